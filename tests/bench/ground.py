"""What ingest runs on in the benches: a broker with topics, a migrated database, and facts that come all at once."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

import orjson
import sqlalchemy as sa
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from sqlalchemy.ext.asyncio import AsyncEngine

from deploy.topics import create_topics
from shared.messaging.transaction import partition_of
from shared.runtime import database
from tests.bench.facts import TOPICS, Facts
from tests.parts import chosen_parts, new_database
from tests.schemas import empty, migrate

STATUS: Final = "delinquency.status"
_SHARD: Final = sa.text("INSERT INTO shard VALUES ('accounts', :n, 0, 1, CAST(:offsets AS jsonb), '{}', '{}')")
_STANDING: Final = sa.text(
    """SELECT partition, next_seq - 1 AS emitted, coalesce((counters ->> 'records')::bigint, 0) AS applied
       FROM shard WHERE stream = 'accounts' ORDER BY partition"""
)


@dataclass
class Ground:
    """Parts that are up; `producer` is transactional."""

    kafka: str
    url: str
    partitions: int
    engine: AsyncEngine
    producer: AIOKafkaProducer
    ends: AIOKafkaConsumer

    async def clear(self) -> None:
        """An empty database, whose shards begin at the present end of the topics."""
        ends = await self._ends(*TOPICS)
        async with self.engine.begin() as connection:
            await empty(connection)
            for n in range(self.partitions):
                offsets = {tp.topic: end for tp, end in ends.items() if tp.partition == n}
                await connection.execute(_SHARD, {"n": n, "offsets": orjson.dumps(offsets).decode()})

    async def publish(self, facts: Facts) -> None:
        """All of them in one Kafka transaction: from its commit on, when this returns, they are there to read."""
        await self.begin(facts)
        await self.producer.commit_transaction()

    async def begin(self, facts: Facts) -> None:
        """Everything but the commit."""
        await self.producer.begin_transaction()
        for topic, key, value in facts:
            partition = partition_of(key.encode(), self.partitions)
            await self.producer.send(topic, value, key=key.encode(), partition=partition)
        await self.producer.flush()

    async def applied(self) -> dict[int, int]:
        """Records applied, by shard, as committed."""
        return {row.partition: row.applied for row in await self._standing()}

    async def emitted(self) -> int:
        """Events in the outbox, as committed."""
        return sum(row.emitted for row in await self._standing())

    async def told(self) -> int:
        """Where the topic of statuses ends: what is relayed."""
        return sum((await self._ends(STATUS)).values())

    async def _standing(self) -> list[sa.Row[tuple[int, int, int]]]:
        async with self.engine.connect() as connection:
            return list(await connection.execute(_STANDING))

    async def _ends(self, *topics: str) -> dict[TopicPartition, int]:
        places = [TopicPartition(topic, n) for topic in topics for n in range(self.partitions)]
        ends: dict[TopicPartition, int] = await self.ends.end_offsets(places)
        return ends


@asynccontextmanager
async def ground(partitions: int = 2) -> AsyncIterator[Ground]:
    """Parts with topics of so many partitions; gone after the block."""
    parts = chosen_parts(durable=True)
    try:
        kafka = await parts.kafka()
        await create_topics(kafka, partitions)
        url = await parts.postgres_url("ingest", await new_database(parts), "postgresql+asyncpg")
        await migrate("ingest", url)
        engine = database.engine_of(url, 2)
        async with (
            AIOKafkaProducer(bootstrap_servers=kafka, transactional_id="bench", linger_ms=20) as producer,
            AIOKafkaConsumer(bootstrap_servers=kafka) as ends,
        ):
            yield Ground(kafka, url, partitions, engine, producer, ends)
        await engine.dispose()
    finally:
        await parts.stop()
