"""The full ledger against the same loop with an empty fold, and against one event a transaction.

    python -m tests.bench.ingest_throughput [--events N] [--rounds N] [--json FILE]

Kafka to PostgreSQL to Kafka on the parts the tests use: each run applies the same year of facts to an empty database,
step by step as they would come in, until everything that came of them is relayed. The empty fold decodes, loads and
saves one row an account and emits one event for each account of a batch. Ratios are medians over the rounds; absolute
figures suffer from whatever else the machine does.
"""

import asyncio
import statistics
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import Annotated, Any, Final

import orjson
import sqlalchemy as sa
import typer
import uvloop
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from sqlalchemy.ext.asyncio import AsyncEngine

import services.ingest
from deploy.topics import create_topics
from services.ingest import store, tables
from services.ingest.app import compose
from services.ingest.settings import Settings
from services.ingest.tables import AccountRow
from shared.contracts.delinquency import PortfolioAged
from shared.messaging import Received, Stream, Transaction
from shared.messaging import tables as messaging
from shared.messaging.transaction import partition_of
from shared.runtime import database, logs
from shared.runtime.main import collect_seldom
from shared.runtime.process import Process
from shared.runtime.service import Service
from tests.bench.printed import printed
from tests.integration.messaging.rig import free_port, until
from tests.parts import chosen_parts, new_database

PARTITIONS: Final = 2
MONTHS: Final = 12
SHARE_ONE_BY_ONE: Final = 25
"""One event a transaction is so slow that it gets this part of the events."""
START: Final = date(2025, 1, 1)
TOPICS: Final = ("banking.accounts", "banking.billing", "banking.repayments")
SHARD: Final = sa.text("INSERT INTO shard VALUES ('accounts', :n, 0, 1, CAST(:offsets AS jsonb), '{}', '{}')")
MIGRATIONS: Final = Path(services.ingest.__file__).parent / "migrations"


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


def empty(settings: Settings) -> Service:
    """Ingest's stream with the empty fold."""
    full = compose(settings)
    stream = full.streams[0]
    return Service(full.name, [Stream(stream.name, stream.topics, EmptyFold().handle)], full.router)


Facts = list[tuple[str, str, bytes]]
"""Topic, key and value."""


def steps(events: int) -> Iterator[Facts]:
    """A lender's year as it comes in: bills, then what is paid in time, then what is paid late; some is not paid."""
    accounts = [f"account-{n:07d}" for n in range(max(1, events // (1 + 3 * MONTHS)))]
    yield [_opening(n, account) for n, account in enumerate(accounts)]
    for month in range(MONTHS):
        due = START + timedelta(days=30 * month + 20)
        yield [_bill(month, n, account, due) for n, account in enumerate(accounts)]
        in_time = [_repaid(month, n, account, due) for n, account in enumerate(accounts) if n % 10 < 8]
        yield [*[_balance(month, n, account, due) for n, account in enumerate(accounts)], *in_time]
        late = [n for n in range(len(accounts)) if n % 10 >= 8 and n % 50 != 9]
        yield [_repaid(month, n, accounts[n], due + timedelta(days=7)) for n in late]


def _opening(n: int, account: str) -> tuple[str, str, bytes]:
    data = {"customer_id": f"customer-{n:07d}", "product": "loan", "currency": "EUR", "policy": "instalment",
            "classifications": ["ifrs9"], "opened_on": "2025-01-01", "principal": eur(500_000)}  # fmt: skip
    return record("accounts", "AccountOpened", account, START, f"o{n}", data)


def _bill(month: int, n: int, account: str, due: date) -> tuple[str, str, bytes]:
    issued = due - timedelta(days=20)
    dates = {"issued_on": str(issued), "due_on": str(due)}
    bill = {"bill_id": f"b{month}", "kind": "instalment", "amount": eur(10_000), **dates}
    return record("billing", "BillIssued", account, issued, f"b{month}-{n}", bill)


def _balance(month: int, n: int, account: str, on: date) -> tuple[str, str, bytes]:
    data = {"balance_id": f"e{month}", "exposure": eur(500_000 - 9_000 * month), "effective_on": str(on)}
    return record("billing", "BalanceReported", account, on, f"e{month}-{n}", data)


def _repaid(month: int, n: int, account: str, on: date) -> tuple[str, str, bytes]:
    data = {"repayment_id": f"r{month}", "amount": eur(10_000), "effective_on": str(on)}
    return record("repayments", "RepaymentReceived", account, on, f"r{month}-{n}", data)


def eur(amount_minor: int) -> dict[str, str]:
    return {"amount": f"{amount_minor // 100}.{amount_minor % 100:02d}", "currency": "EUR"}


def record(word: str, name: str, account: str, on: date, event_id: str, data: dict[str, Any]) -> tuple[str, str, bytes]:
    head = {"specversion": "1.0", "id": event_id, "source": "core", "type": f"arrears.{word}.{name}.v1"}
    body = {**head, "time": f"{on}T12:00:00Z", "data": {"account_id": account, **data}}
    return f"banking.{word}", account, orjson.dumps(body)


class Bench:
    """The parts, and one run after the other on what each publishes anew."""

    def __init__(self, kafka: str, url: str, engine: AsyncEngine, producer: AIOKafkaProducer) -> None:
        self._kafka = kafka
        self._url = url
        self._engine = engine
        self._producer = producer

    async def events_per_s(self, make: Callable[[Settings], Service], events: int, **settings: Any) -> float:
        """Facts applied a second of those in which some were waiting, to the last relayed record.

        Each step is published in one Kafka transaction: the clock runs from its commit, when all of it is there to
        read, so what publishing costs is not counted.
        """
        await self._clear()
        chosen = Settings(
            environment="local", kafka_bootstrap=self._kafka, database_url=self._url, http_port=free_port(), **settings
        )
        process = Process(make(chosen), chosen)
        running = asyncio.create_task(process.run())
        try:
            await until(lambda: len(_loops(process)) == PARTITIONS, "the shards", 60)
            spent, applied = 0.0, 0
            for step in steps(events):
                spent += await self._step(process, step)
                applied += len(step)
            return applied / spent
        finally:
            process.stop()
            await running

    async def _step(self, process: Process, step: Facts) -> float:
        await self._producer.begin_transaction()
        for topic, key, value in step:
            partition = partition_of(key.encode(), PARTITIONS)
            await self._producer.send(topic, value, key=key.encode(), partition=partition)
        await self._producer.flush()
        before, begun = _applied(process), time.perf_counter()
        await self._producer.commit_transaction()
        whole = before + len(step)
        await until(lambda: _applied(process) >= whole and _relayed(process), "the step's last record", 600, 0.002)
        return time.perf_counter() - begun

    async def _clear(self) -> None:
        """An empty database, whose shards begin at the present end of the topics."""
        names = [t.name for t in (*tables.metadata.sorted_tables, *messaging.metadata.sorted_tables)]
        ends = await topic_ends(self._kafka)
        async with self._engine.begin() as connection:
            await connection.execute(sa.text(f"TRUNCATE {', '.join([*names, 'outbox'])}"))
            for n in range(PARTITIONS):
                offsets = orjson.dumps({topic: end for (topic, place), end in ends.items() if place == n}).decode()
                await connection.execute(SHARD, {"n": n, "offsets": offsets})


async def topic_ends(kafka: str) -> dict[tuple[str, int], int]:
    """Where each partition of the facts' topics ends."""
    consumer = AIOKafkaConsumer(bootstrap_servers=kafka)
    await consumer.start()
    try:
        places = [TopicPartition(topic, n) for topic in TOPICS for n in range(PARTITIONS)]
        return {(tp.topic, tp.partition): end for tp, end in (await consumer.end_offsets(places)).items()}
    finally:
        await consumer.stop()


def _loops(process: Process) -> list[Any]:
    return [loop for member in process._members for loop in member.loops.values()]


def _applied(process: Process) -> int:
    return sum(loop.state.counters.get("records", 0) for loop in _loops(process))


def _relayed(process: Process) -> bool:
    return all(loop.progress()["emitted"] == loop.progress()["relayed"] for loop in _loops(process))


@asynccontextmanager
async def _bench() -> AsyncIterator[Bench]:
    parts = chosen_parts()
    try:
        kafka = await parts.kafka()
        await create_topics(kafka, PARTITIONS)
        url = await parts.postgres_url("ingest", await new_database(parts), "postgresql+asyncpg")
        await database.migrate(url, MIGRATIONS)
        engine = database.engine_of(url, 2)
        producer = AIOKafkaProducer(bootstrap_servers=kafka, transactional_id="bench", linger_ms=20)
        await producer.start()
        yield Bench(kafka, url, engine, producer)
        await producer.stop()
        await engine.dispose()
    finally:
        await parts.stop()


async def measure(events: int, rounds: int) -> dict[str, dict[str, float]]:
    """Rounds of all three; medians."""
    rates: dict[str, list[float]] = {"full ledger": [], "empty fold": [], "one event a transaction": []}
    async with _bench() as bench:
        for _ in range(rounds):
            rates["empty fold"].append(await bench.events_per_s(empty, events))
            rates["full ledger"].append(await bench.events_per_s(compose, events))
            few = events // SHARE_ONE_BY_ONE
            rates["one event a transaction"].append(await bench.events_per_s(compose, few, batch_records_max=1))
    full = rates["full ledger"]
    ratios = {
        f"full / {other}": statistics.median(a / b for a, b in zip(full, rates[other], strict=True))
        for other in ("empty fold", "one event a transaction")
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
