"""Transactions as a service's loop opens them, on a database of its own and without Kafka."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy.ext.asyncio import AsyncEngine

from shared.contracts.envelope import Event
from shared.contracts.fields import Contract
from shared.contracts.topics import TOPIC_OF, TOPICS, TYPE_OF
from shared.messaging import Received, ShardId, Transaction, store
from shared.messaging.stream import Record
from shared.runtime import database
from tests.parts import chosen_parts, new_database
from tests.schemas import migrate

SERVICES = Path(database.__file__).parents[2] / "services"
PARTITIONS = 2
COUNTS = {topic.name: PARTITIONS for topic in TOPICS}
T = TypeVar("T")


@dataclass
class Transactions:
    """One shard of one service."""

    engine: AsyncEngine
    service: str
    shard: ShardId

    async def run(self, work: Callable[[Transaction], Awaitable[T]], now: datetime) -> T:
        """One transaction, the shard's row and the outbox included."""
        async with self.engine.begin() as connection:
            state = await store.lock(connection, self.shard)
            tx = Transaction(connection, self.service, self.shard, state, COUNTS, now)
            result = await work(tx)
            if not tx.is_empty:
                await tx.finish()
        return result


@asynccontextmanager
async def transactions(service: str, shard: ShardId) -> AsyncIterator[Transactions]:
    """A migrated, empty database of the service."""
    parts = chosen_parts(durable=True)
    try:
        url = await parts.postgres_url(service, await new_database(parts), "postgresql+asyncpg")
        await migrate(service, url)
        engine = database.engine_of(url, 3)
        async with engine.begin() as connection:
            await store.ensure(connection, shard)
        yield Transactions(engine, service, shard)
        await engine.dispose()
    finally:
        await parts.stop()


def received(events: Sequence[Contract], at: datetime) -> list[Received]:
    """As the loop has decoded them."""
    return [_received(number, data, at) for number, data in enumerate(events)]


def _received(number: int, data: Contract, at: datetime) -> Received:
    event: Event[Any] = Event(str(number), "test", TYPE_OF[type(data)], None, at, data)
    return Received(event, Record(TOPIC_OF[type(data)].name, 0, number, None, None))


def cut(events: list[Received], records_max: int) -> Iterator[list[Received]]:
    """Batches of so many."""
    for begin in range(0, len(events), records_max):
        yield events[begin : begin + records_max]
