"""What the loop itself costs: CPU of the process per tiny batch, per 4,000-record batch, and when idle.

    python -m tests.bench.loop_overhead [--json FILE]

Runs on the parts the tests use. The handler's fold is one statement a batch, so what is measured is the loop: decode,
transaction, outbox, relay. CPU time is the process's own (user and system), without broker and database.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
import uvloop

from shared.messaging import Received, Transaction
from shared.runtime import logs
from tests.bench.printed import printed
from tests.integration.messaging.published import repayment
from tests.integration.messaging.rig import PARTITIONS, Rig, new_rig
from tests.integration.messaging.tally import Tally, tell
from tests.parts import chosen_parts, new_database
from tests.waiting import until

TINY_BATCHES = 300
LARGE_RECORDS = 40_000
IDLE_S = 10


class Trivial(Tally):
    """Emits an event a record and keeps nothing; counts batches."""

    async def handle(self, batch: Sequence[Received], tx: Transaction) -> None:
        self.batches.append(len(batch))
        for one in batch:
            tell(tx, "x", one.data.account_id)

    def has_applied_more_than(self, batches: int) -> bool:
        return len(self.batches) > batches

    async def hear(self, batch: Sequence[Received], tx: Transaction) -> None:
        return

    async def work(self, tx: Transaction) -> bool:
        return False


@asynccontextmanager
async def _rig() -> AsyncIterator[Rig]:
    parts = chosen_parts(durable=True)
    try:
        bootstrap = await parts.kafka()
        url = await parts.postgres_url("ingest", await new_database(parts), "postgresql+asyncpg")
        async with new_rig(bootstrap, url) as rig:
            yield rig
    finally:
        await parts.stop()


async def _tiny(rig: Rig, tally: Trivial) -> dict[str, float]:
    """One record at a time, each waited for: the cost of a batch that is almost empty."""
    own = 0.0
    begun, cpu = time.perf_counter(), time.process_time()
    for n in range(TINY_BATCHES):
        before = len(tally.batches)
        mark = time.process_time()
        await rig.publish([repayment(n)])
        own += time.process_time() - mark
        await until(partial(tally.has_applied_more_than, before), "the batch", pause_s=0.002)
    spent = time.process_time() - cpu - own
    return {
        "cpu_ms_per_batch": spent / TINY_BATCHES * 1000,
        "wall_ms_per_batch": (time.perf_counter() - begun) / TINY_BATCHES * 1000,
    }


async def _large(rig: Rig, tally: Trivial) -> dict[str, float]:
    """A backlog in full batches."""
    stopped = rig.running.pop()
    await stopped.stop()
    await rig.publish([repayment(n) for n in range(LARGE_RECORDS)])
    tally.batches.clear()
    begun, cpu = time.perf_counter(), time.process_time()
    rig.start(tally)
    await until(lambda: sum(tally.batches) >= LARGE_RECORDS, "the backlog to be applied", 120)
    await rig.quiet()
    spent, wall = time.process_time() - cpu, time.perf_counter() - begun
    return {
        "records_per_batch": LARGE_RECORDS / len(tally.batches),
        "cpu_us_per_record": spent / LARGE_RECORDS * 1e6,
        "records_per_s": LARGE_RECORDS / wall,
    }


async def _idle() -> dict[str, float]:
    await asyncio.sleep(1)
    cpu = time.process_time()
    await asyncio.sleep(IDLE_S)
    return {"cpu_percent": (time.process_time() - cpu) / IDLE_S * 100}


async def measure() -> dict[str, dict[str, float]]:
    """All three, on one start of the parts."""
    async with _rig() as rig:
        tally = Trivial()
        rig.start(tally)
        await rig.running[0].owns(PARTITIONS)
        await rig.publish([repayment("warm")])
        await until(lambda: tally.batches, "the first batch")
        found = {"tiny batch": await _tiny(rig, tally), "idle": await _idle()}
        found["large batch"] = await _large(rig, tally)
        await rig.running[0].stop()
        return found


def main(json_file: Annotated[Path | None, typer.Option("--json", help="write the figures here too")] = None) -> None:
    """Measure and print."""
    logs.configure("bench", "warning")
    printed("cost of the loop", uvloop.run(measure()), json_file)


if __name__ == "__main__":
    typer.run(main)
