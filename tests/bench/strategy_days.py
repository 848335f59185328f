"""Days of strategy through its real handler: what a batch of statuses costs, and how many cases a second are decided.

    python -m tests.bench.strategy_days [--customers N] [--json FILE]

Every customer becomes delinquent and is decided on at the end of the first day. On the days that follow one in ten
has a new status or a repayment, in small batches as they come while a day closes; contacts are heard of, and the
day's end decides. Transactions are those of the loop: shard row and outbox included, Kafka and decoding left out;
garbage is collected as in a service.
"""

import gc
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Final

import typer
import uvloop
from sqlalchemy.ext.asyncio import AsyncEngine

from services.strategy.handlers import Handlers
from services.strategy.library import read_library
from services.strategy.settings import SHIPPED
from shared.contracts.collections import ContactRequested
from shared.contracts.envelope import Event, decode
from shared.contracts.fields import Contract
from shared.messaging import Received, ShardId, Transaction, store
from shared.messaging.stream import OutboxRow, Record
from shared.runtime import database, logs
from shared.runtime.main import GARBAGE_OBJECTS
from tests.bench.printed import printed
from tests.integration.strategy.events import MONDAY, aged, at, attempted, changed, day, entered, repaid
from tests.parts import chosen_parts, new_database
from tests.schemas import migrate

SHARD: Final = ShardId("customers", 0)
COUNTS: Final = {"collections.cases": 1, "collections.treatments": 1}
DAYS: Final = 10
SHARE: Final = 10
BATCH: Final = 60


@dataclass
class Spent:
    """Time in transactions, of the wall and of this process."""

    wall_s: float = 0.0
    cpu_s: float = 0.0
    transactions: int = 0

    def figures(self) -> dict[str, float]:
        """As the table shows them."""
        each = 1000 / max(1, self.transactions)
        return {"ms each": self.wall_s * each, "CPU ms each": self.cpu_s * each, "transactions": self.transactions}


@dataclass
class Lender:
    """One shard of strategy and what it asked contact for."""

    engine: AsyncEngine
    handlers: Handlers
    asked: list[ContactRequested] = field(default_factory=list)
    sent: int = 0

    async def take(self, events: Sequence[Contract], on: date, spent: Spent) -> None:
        """One batch, and the work it wakes."""
        batch = [self._received(event, on) for event in events]
        wall, cpu = time.perf_counter(), time.process_time()
        rows, more = await self._transact(batch, on)
        spent.transactions += 1
        while more:
            further, more = await self._transact(None, on)
            rows += further
            spent.transactions += 1
        spent.wall_s += time.perf_counter() - wall
        spent.cpu_s += time.process_time() - cpu
        told = (decode(row.topic, row.value).data for row in rows if row.topic == "collections.treatments")
        self.asked += [event for event in told if isinstance(event, ContactRequested)]

    async def _transact(self, batch: Sequence[Received] | None, on: date) -> tuple[list[OutboxRow], bool]:
        async with self.engine.begin() as connection:
            state = await store.lock(connection, SHARD)
            tx = Transaction(connection, "strategy", SHARD, state, COUNTS, at(on))
            if batch is None:
                more = await self.handlers.work(tx)
            else:
                await self.handlers.handle(batch, tx)
                more = tx.work_woken
            return await tx.finish(), more

    def _received(self, data: Contract, on: date) -> Received:
        self.sent += 1
        event: Event[Any] = Event(str(self.sent), "bench", "bench", None, at(on), data)
        return Received(event, Record("bench", 0, self.sent, None, None), "bench", self.sent)


def statuses(customers: int, number: int) -> Iterator[Contract]:
    """What ingest says on a later day: half of it money, half of it ageing, some of it of customers without a case."""
    for n in range(number % SHARE, customers, SHARE):
        if n % 4:
            yield changed(f"c-{n}", number + 1, day(number), 10_000 + number)
            yield changed(f"current-{n}", number + 1, day(number))
        else:
            yield repaid(f"c-{n}", number + 1, day(number), 100, 9_900, f"r-{number}")


def batches(events: Sequence[Contract]) -> Iterator[Sequence[Contract]]:
    """Cut as they come."""
    for start in range(0, len(events), BATCH):
        yield events[start : start + BATCH]


async def measure(customers: int) -> dict[str, dict[str, float]]:
    """A first day on which everybody is decided on, then days as they are."""
    opening, learning, hearing, deciding = Spent(), Spent(), Spent(), Spent()
    async with _lender() as lender:
        for some in batches([entered(f"c-{n}", 1, MONDAY, dpd=3) for n in range(customers)]):
            await lender.take(some, MONDAY, Spent())
        await lender.take([aged(MONDAY)], MONDAY, opening)
        for number in range(1, DAYS):
            for some in batches(list(statuses(customers, number))):
                await lender.take(some, day(number), learning)
            news, lender.asked = lender.asked, []
            for some in batches([attempted(e.customer_id, e.contact_id, e.case_id, day(number)) for e in news]):
                await lender.take(some, day(number), hearing)
            await lender.take([aged(day(number))], day(number), deciding)
    return {
        "first day's end": {
            "cases a second": customers / opening.wall_s,
            "CPU us a case": opening.cpu_s / customers * 1e6,
        },
        "statuses": learning.figures(),
        "outcomes": hearing.figures(),
        "later days' ends": deciding.figures(),
    }


@asynccontextmanager
async def _lender() -> AsyncIterator[Lender]:
    parts = chosen_parts(durable=True)
    try:
        url = await parts.postgres_url("strategy", await new_database(parts), "postgresql+asyncpg")
        await migrate("strategy", url)
        engine = database.engine_of(url, 3)
        async with engine.begin() as connection:
            await store.ensure(connection, SHARD)
        yield Lender(engine, Handlers(read_library(SHIPPED).book, 1000))
        await engine.dispose()
    finally:
        await parts.stop()


def main(
    customers: Annotated[int, typer.Option(min=100)] = 5_000,
    json_file: Annotated[Path | None, typer.Option("--json", help="write the figures here too")] = None,
) -> None:
    """Measure and print."""
    logs.configure("bench", "warning")
    gc.collect()
    gc.freeze()
    gc.set_threshold(GARBAGE_OBJECTS, 20, 20)
    printed(f"strategy, {customers:,} customers", uvloop.run(measure(customers)), json_file)


if __name__ == "__main__":
    typer.run(main)
