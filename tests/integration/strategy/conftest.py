"""Strategy on a real database, with its handlers called as the loop calls them."""

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, date, datetime, time
from typing import Any

import pytest_asyncio
from sqlalchemy.ext.asyncio import AsyncEngine

from services.strategy.domain.strategy import StrategyBook
from services.strategy.handlers import Handlers
from services.strategy.library import read_library
from services.strategy.settings import SHIPPED
from shared.contracts.envelope import Event, decode
from shared.contracts.fields import Contract
from shared.messaging import Received, ShardId, Transaction, store
from shared.messaging.commands import COMMANDS
from shared.messaging.stream import Record
from shared.runtime import database as runtime
from tests.conftest import DatabaseFactory
from tests.schemas import empty, migrated

SHARD = ShardId("customers", 0)
COUNTS = {"collections.cases": 1, "collections.treatments": 1}


class Shard:
    """One shard of strategy without Kafka: batches in, the outbox's events out."""

    def __init__(self, engine: AsyncEngine, book: StrategyBook, decisions_max: int = 1000) -> None:
        self.engine = engine
        self.handlers = Handlers(book, decisions_max)
        self.sent: list[Contract] = []
        self._offset = 0

    async def take(self, *events: Contract, at: date, batch: int | None = None) -> list[Contract]:
        """Hand over events, in batches of that size, and do the work they wake; what came out."""
        begun = len(self.sent)
        received = [self._received(event, at) for event in events]
        size = batch or max(1, len(received))
        for start in range(0, len(received), size):
            await self._transact(received[start : start + size], at)
        return self.sent[begun:]

    async def _transact(self, batch: Sequence[Received], at: date) -> None:
        woken = await self._in_transaction(at, batch)
        while woken:
            woken = await self._in_transaction(at, None)

    async def _in_transaction(self, at: date, batch: Sequence[Received] | None) -> bool:
        async with self.engine.begin() as connection:
            state = await store.lock(connection, SHARD)
            tx = Transaction(connection, "strategy", SHARD, state, COUNTS, _evening(at))
            if batch is None:
                more = await self.handlers.work(tx)
            else:
                await self.handlers.handle(batch, tx)
                more = tx.work_woken
            rows = await tx.finish()
        self.sent += [decode(row.topic, row.value).data for row in rows]
        return more

    def _received(self, data: Contract, at: date) -> Received:
        self._offset += 1
        event: Event[Any] = Event(str(self._offset), "test", "test", None, _evening(at), data)
        return Received(event, Record("test", 0, self._offset, None, None), "test", self._offset)


def _evening(on: date) -> datetime:
    return datetime.combine(on, time(21, 30), UTC)


@pytest_asyncio.fixture(scope="module")
async def module_engine(database: DatabaseFactory) -> AsyncIterator[AsyncEngine]:
    """Strategy's schema for a module."""
    engine = runtime.engine_of(await migrated("strategy", database), 5)
    yield engine
    await engine.dispose()


@pytest_asyncio.fixture
async def engine(module_engine: AsyncEngine) -> AsyncEngine:
    """The same schema with empty tables."""
    async with module_engine.begin() as connection:
        await empty(connection)
        await store.ensure(connection, SHARD)
        await store.ensure(connection, COMMANDS)
    return module_engine


@pytest_asyncio.fixture
async def shard(engine: AsyncEngine) -> Shard:
    """One shard with the shipped strategies."""
    return Shard(engine, read_library(SHIPPED).book)
