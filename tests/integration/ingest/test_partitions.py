"""Partitions added between two days of a portfolio: ledgers, statuses and versions as if they had always been there."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest
import sqlalchemy as sa
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewPartitions
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from deploy.local.ports import free_port
from deploy.topics import create_topics
from services.ingest.app import compose
from services.ingest.settings import Settings
from shared.contracts.delinquency import PortfolioAged
from shared.contracts.envelope import decode, encode
from shared.contracts.fields import Contract
from shared.contracts.topics import BY_NAME, TOPIC_OF, key_of
from shared.messaging.repartition import Outcome, Sharded, repartition
from shared.messaging.transaction import partition_of
from shared.runtime import database as runtime
from shared.runtime.process import Process
from shared.vocabulary.errors import Rejected
from tests.conftest import DatabaseFactory
from tests.integration.ingest.conftest import Ledgers, Told
from tests.integration.ingest.test_ledgers import billed, closed, day, opened, repaid, reversed_, said
from tests.schemas import migrated
from tests.waiting import until

MORE = 3
NAMES = [f"a{n}" for n in range(12)]
OUT = "delinquency.status"


Phases = Sequence[Sequence[Told]]
"""What is applied before the next of them is published: the order in which topics are read is not the point here."""

BEFORE: Phases = (
    said(0, *(opened(name) for name in NAMES)),
    said(0, *(billed(name, f"{name}-1", 3) for name in NAMES)),
    [closed(5)],
    said(5, *(repaid(name, f"{name}-r1", 5, "40.00") for name in NAMES)),
    [closed(6)],
)
AFTER: Phases = (
    # The same facts once more, and one that comes late.
    [*said(0, *(billed(name, f"{name}-1", 3) for name in NAMES)), *said(6, *(billed(n, f"{n}-0", 2) for n in NAMES))],
    said(7, *(repaid(name, f"{name}-r1", 5, "40.00") for name in NAMES)),
    said(7, *(repaid(name, f"{name}-r2", 7, "160.00") for name in NAMES)),
    [closed(7)],
    said(8, *(reversed_(name, f"{name}-r1", 8) for name in NAMES)),
    [closed(8)],
)


class Core:
    """Core banking on a broker, and the ingest that reads it."""

    def __init__(self, kafka: str, engine: AsyncEngine) -> None:
        self.engine = engine
        self.settings = Settings(
            environment="local",
            kafka_bootstrap=kafka,
            database_url=engine.url.render_as_string(hide_password=False),
            http_port=free_port(),
        )
        self.partitions = 2
        self.published = 0

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        process = Process(compose(self.settings), self.settings)
        task = asyncio.create_task(process.run())
        try:
            yield
        finally:
            process.stop()
            await task

    async def tell(self, phases: Phases) -> None:
        """One phase after the other, each applied and sent on before the next."""
        producer = AIOKafkaProducer(bootstrap_servers=self.settings.kafka_bootstrap)
        await producer.start()
        try:
            for phase in phases:
                for fact, at in phase:
                    await self._publish(producer, fact, at)
                await until(self._quiet, "the phase to be applied", 90)
        finally:
            await producer.stop()

    async def _publish(self, producer: AIOKafkaProducer, fact: Contract, at: Any) -> None:
        self.published += 1
        topic = TOPIC_OF[type(fact)]
        key = key_of(fact, topic)
        value = encode(fact, event_id=f"e{self.published}", source="core", subject=key, time=at)
        partition = 0 if key is None else partition_of(key.encode(), self.partitions)
        await producer.send_and_wait(topic.name, value, key=key and key.encode(), partition=partition)

    async def _quiet(self) -> bool:
        """Everything published is applied in every shard, every day aged, everything sent."""
        found = await self.rows(
            """SELECT coalesce(sum((SELECT sum(place::bigint) FROM jsonb_each_text(offsets) AS o (topic, place)
                                    WHERE topic <> 'banking.calendar')), 0),
                      min(coalesce((offsets ->> 'banking.calendar')::bigint, 0)),
                      bool_and(next_seq - 1 = coalesce(relayed_seq, 0)),
                      (SELECT coalesce(bool_and(to_close = '{}'), true) FROM shard_day)
               FROM shard LEFT JOIN relay USING (stream, partition) WHERE stream = 'accounts'"""
        )
        facts, closes, relayed, aged = found[0]
        return bool(int(facts) + int(closes) == self.published and relayed and aged)

    async def set_up(self, partitions: int) -> Outcome:
        engine = runtime.engine_of(self.settings.database, 1)
        declared = compose(self.settings)
        try:
            service = Sharded("ingest", declared.streams, declared.sharding, engine, self.settings.kafka_bootstrap)
            return await repartition(service, partitions, _untold)
        finally:
            await engine.dispose()

    async def add_partitions(self, partitions: int) -> None:
        admin = AIOKafkaAdminClient(bootstrap_servers=self.settings.kafka_bootstrap)
        await admin.start()
        keyed = [name for name, topic in BY_NAME.items() if not topic.broadcast]
        await admin.create_partitions({name: NewPartitions(partitions) for name in keyed})
        await admin.close()
        self.partitions = partitions

    async def rows(self, statement: str) -> list[Any]:
        async with self.engine.connect() as connection:
            return list(await connection.execute(sa.text(statement)))

    async def told(self) -> list[Any]:
        """The data of every event in the outbox, a shard after the other."""
        found = await self.rows("SELECT value FROM outbox WHERE topic = 'delinquency.status' ORDER BY partition, seq")
        return [decode(OUT, row[0]).data for row in found]


def _untold(table: str, seen: int, total: int) -> None:
    """Nobody listens."""


def _statuses(told: Sequence[Any]) -> list[tuple[Any, ...]]:
    return sorted(
        (e.account_id, e.version, type(e).__name__, e.as_of, e.days_past_due, e.bucket, e.arrears.minor)
        for e in told
        if not isinstance(e, PortfolioAged)
    )


_FIGURES = """SELECT account_id, folded, state, bucket, arrears_minor, exposure_minor, version, next_transition_on
              FROM account ORDER BY account_id"""


async def test_the_portfolio_ends_as_if_nothing_had_changed(
    ledgers: Ledgers, own_kafka: str, database: DatabaseFactory
) -> None:
    url = await migrated("ingest", database)
    await create_topics(own_kafka, 2)
    # Without a pool: a session of the test's own is not one of a running service.
    core = Core(own_kafka, create_async_engine(url, poolclass=sa.NullPool))
    async with core.running():
        await core.tell(BEFORE)
    await _refuses_open_days_and_jobs(core)
    outcome = await core.set_up(MORE)
    assert outcome.had == {"accounts": 2}
    assert outcome.moved["account"] > 0
    await core.add_partitions(MORE)
    async with core.running():
        await core.tell(AFTER)
    for phase in (*BEFORE, *AFTER):
        await ledgers.take(phase)
    assert await core.rows(_FIGURES) == await _rows(ledgers.engine, _FIGURES)
    assert _statuses(await core.told()) == _statuses(await ledgers.told())
    assert (
        await core.rows("SELECT max(version) - count(*) FROM status GROUP BY account_id HAVING max(version) > count(*)")
        == []
    )
    homes = {row.account_id: row.shard for row in await core.rows("SELECT account_id, shard FROM account")}
    assert homes == {name: partition_of(name.encode(), MORE) for name in NAMES}
    aged = [
        (e.business_date, e.source_shard, e.source_shards) for e in await core.told() if isinstance(e, PortfolioAged)
    ]
    assert sorted(set(aged)) == sorted(
        [(day(n), shard, 2) for n in (5, 6) for shard in range(2)]
        + [(day(n), shard, MORE) for n in (7, 8) for shard in range(MORE)]
    )


async def _rows(engine: AsyncEngine, statement: str) -> list[Any]:
    async with engine.connect() as connection:
        return list(await connection.execute(sa.text(statement)))


async def _refuses_open_days_and_jobs(core: Core) -> None:
    """What only the present shards can finish; put back afterwards."""
    for change, back, sentence in (
        ("to_close = ARRAY[DATE '2026-01-09']", "to_close = '{}'", "1 shards are still closing a business day"),
        ("aged_to = aged_to - 1", "aged_to = aged_to + 1", "the shards are not aged to the same day"),
    ):
        await _change(core, change)
        with pytest.raises(Rejected, match=sentence):
            await core.set_up(MORE)
        await _change(core, back)


async def _change(core: Core, change: str) -> None:
    async with core.engine.begin() as connection:
        await connection.execute(sa.text(f"UPDATE shard_day SET {change} WHERE shard = 1"))  # noqa: S608
