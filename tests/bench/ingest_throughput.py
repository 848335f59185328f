"""The full ledger against the same loop with an empty fold, and against one event a transaction.

    python -m tests.bench.ingest_throughput [--events N] [--rounds N] [--json FILE]

Kafka to PostgreSQL to Kafka on the parts the tests use: each run applies the same year of facts to an empty database,
step by step as they would come in, until everything that came of them is relayed. The empty fold decodes, loads and
saves one row an account and emits one event for each account of a batch. The same with facts kept stores each fact
under its key, too, as ingest has to, whatever it makes of them: what is left between it and the full ledger is what
the ledger's rules and the words for what they say cost. Ratios are medians over the rounds; absolute
figures suffer from whatever else the machine does.
"""

import asyncio
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any, Final

import typer
import uvloop

from deploy.local.ports import free_port
from services.ingest import store, translate
from services.ingest.app import compose
from services.ingest.settings import Settings
from services.ingest.tables import AccountRow
from shared.contracts.delinquency import PortfolioAged
from shared.messaging import Received, Stream, Transaction
from shared.runtime import logs
from shared.runtime.main import collect_seldom
from shared.runtime.process import Process
from shared.runtime.service import Service
from tests.bench.facts import START, Facts, steps
from tests.bench.ground import Ground, ground
from tests.bench.printed import printed
from tests.waiting import until

PARTITIONS: Final = 2
FULL, EMPTY, KEPT, ONE = "full ledger", "empty fold", "empty fold, facts kept", "one event a transaction"
SHARE_ONE_BY_ONE: Final = 25
"""One event a transaction is so slow that it gets this part of the events."""


class EmptyFold:
    """The loop with next to nothing in it."""

    async def handle(self, batch: Sequence[Received], tx: Transaction) -> None:
        """One row and one event for each account of the batch."""
        touched = sorted({one.data.account_id for one in batch})
        await store.load(tx.connection, touched)
        nothing = (None,) * 8
        rows = [AccountRow(one, tx.shard.partition, "[1,0,0]", 0, *nothing, 0, "", None) for one in touched]
        await store.save(tx.connection, rows)
        for account_id in touched:
            event = PortfolioAged(business_date=START, source_shard=tx.shard.partition, source_shards=PARTITIONS)
            tx.emit(event, subject=account_id, key=account_id)


class FactsKept(EmptyFold):
    """The empty fold after storing what arrived."""

    async def handle(self, batch: Sequence[Received], tx: Transaction) -> None:
        """Nothing here arrives twice."""
        await store.claim(tx.connection, [translate.arrival(one).row() for one in batch], tx.now)
        await super().handle(batch, tx)


def folding(fold: EmptyFold) -> Callable[[Settings], Service]:
    """Ingest's stream with another fold."""

    def make(settings: Settings) -> Service:
        full = compose(settings)
        stream = full.streams[0]
        return Service(full.name, [Stream(stream.name, stream.topics, fold.handle)], full.router)

    return make


async def events_per_s(place: Ground, make: Callable[[Settings], Service], events: int, **settings: Any) -> float:
    """Facts applied a second of those in which some were waiting, to the last relayed record.

    Each step is published in one Kafka transaction: the clock runs from its commit, when all of it is there to read, so
    what publishing costs is not counted.
    """
    await place.clear()
    chosen = Settings(
        environment="local", kafka_bootstrap=place.kafka, database_url=place.url, http_port=free_port(), **settings
    )
    process = Process(make(chosen), chosen)
    running = asyncio.create_task(process.run())
    try:
        await until(lambda: len(_loops(process)) == place.partitions, "the shards", 60)
        spent, applied = 0.0, 0
        for step in steps(events):
            spent += await _step_s(place, process, step)
            applied += len(step)
        return applied / spent
    finally:
        process.stop()
        await running


async def _step_s(place: Ground, process: Process, step: Facts) -> float:
    await place.begin(step)
    before, begun = _applied(process), time.perf_counter()
    await place.producer.commit_transaction()
    whole = before + len(step)
    await until(lambda: _applied(process) >= whole and _relayed(process), "the step's last record", 600, 0.002)
    return time.perf_counter() - begun


def _loops(process: Process) -> list[Any]:
    return [loop for member in process._members for loop in member.loops.values()]


def _applied(process: Process) -> int:
    return sum(loop.state.counters.get("records", 0) for loop in _loops(process))


def _relayed(process: Process) -> bool:
    return all(loop.progress()["emitted"] == loop.progress()["relayed"] for loop in _loops(process))


async def measure(events: int, rounds: int) -> dict[str, dict[str, float]]:
    """Rounds of all; medians."""
    empty, kept = folding(EmptyFold()), folding(FactsKept())
    rates: dict[str, list[float]] = {EMPTY: [], KEPT: [], FULL: [], ONE: []}
    async with ground(PARTITIONS) as place:
        for _ in range(rounds):
            rates[EMPTY].append(await events_per_s(place, empty, events))
            rates[KEPT].append(await events_per_s(place, kept, events))
            rates[FULL].append(await events_per_s(place, compose, events))
            few = events // SHARE_ONE_BY_ONE
            rates[ONE].append(await events_per_s(place, compose, few, batch_records_max=1))
    ratios = {
        f"{FULL} / {other}": statistics.median(a / b for a, b in zip(rates[FULL], rates[other], strict=True))
        for other in (EMPTY, KEPT, ONE)
    }
    return {name: {"events_per_s": statistics.median(found)} for name, found in rates.items()} | {"ratios": ratios}


def main(
    events: Annotated[int, typer.Option(help="facts in a run")] = 100_000,
    rounds: Annotated[int, typer.Option(min=1)] = 3,
    json_file: Annotated[Path | None, typer.Option("--json", help="write the figures here too")] = None,
) -> None:
    """Measure and print."""
    logs.configure("bench", "warning")
    # As a service's own start does: garbage collection among a batch's objects would be a third of what is measured.
    collect_seldom()
    printed(f"ingest, {events:,} events, {rounds} rounds", uvloop.run(measure(events, rounds)), json_file)


if __name__ == "__main__":
    typer.run(main)
