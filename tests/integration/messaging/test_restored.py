"""The database or Kafka comes back older than the other: the shard's row is the truth, and nothing is lost.

What was emitted after the backup is emitted again, beyond every sequence that Kafka has: consumers hear it twice and
know it by its business key, instead of taking something new for a repeat.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace

import asyncpg
import httpx
import sqlalchemy as sa
from aiokafka import AIOKafkaConsumer, TopicPartition
from sqlalchemy.ext.asyncio import create_async_engine
from structlog.testing import capture_logs

from deploy.local.postgres import SUPERUSER
from shared.messaging.store import SKIP, skip_all
from tests.integration.messaging.published import repayment
from tests.integration.messaging.rig import PARTITIONS, Rig
from tests.integration.messaging.tally import OUT, TOPICS
from tests.parts import Parts, drop_database
from tests.waiting import until


@asynccontextmanager
async def _backup(rig: Rig, parts: Parts) -> AsyncIterator[Rig]:
    """The same service on a copy of its database as it is now."""
    url = sa.make_url(rig.database_url)
    copy = f"{url.database}_backup"
    await rig.engine.dispose()
    superuser = await asyncpg.connect(await parts.postgres_url(SUPERUSER, "postgres"))
    await superuser.execute(f"CREATE DATABASE {copy} TEMPLATE {url.database} STRATEGY FILE_COPY")
    await superuser.close()
    address = url.set(database=copy).render_as_string(hide_password=False)
    engine = create_async_engine(address)
    try:
        yield replace(rig, database_url=address, engine=engine, running=[])
    finally:
        await engine.dispose()
        await drop_database(parts, copy)


async def _tell(url: str, what: str) -> None:
    async with httpx.AsyncClient() as client:
        (await client.post(f"{url}/tell/{what}")).raise_for_status()


async def _heard_of(rig: Rig, *subjects: str) -> bool:
    heard = {row[0] for row in await rig.rows("SELECT subject FROM heard")}
    return heard >= set(subjects)


async def test_a_backup_older_than_kafka_is_noticed_and_loses_nothing_new(rig: Rig, parts: Parts) -> None:
    before, after = [repayment(n) for n in range(100)], [repayment(n) for n in range(100, 200)]
    running = rig.start()
    await rig.publish(before)
    await rig.assert_exact(100)
    await running.stop()
    async with _backup(rig, parts) as restored:
        # A longer session leaves a busy broker more time to take in what the process says at its end.
        again = rig.start(session_timeout_s=10)
        await rig.publish(after)
        await again.owns(2)
        await _tell(again.url, "before-the-loss")
        await rig.applied(200)
        await rig.quiet()
        await until(lambda: _heard_of(rig, "before-the-loss"), "the command to be heard")
        await again.stop()
        with capture_logs() as lines:
            third = restored.start()
            await third.owns(2)
            await restored.publish([repayment(n) for n in range(200, 250)])
            await restored.applied(250)
            await _tell(third.url, "after-the-loss")
            told = [f"r{n}" for n in range(250)]
            await until(lambda: _heard_of(restored, "after-the-loss", *told), "everything to be heard downstream")
            await restored.quiet()
        assert any(line["event"] == "database_older_than_kafka" for line in lines)
        assert await restored.rows("SELECT id FROM effect WHERE times <> 1") == []
        await third.stop()
        emitted = await restored.rows("SELECT next_seq FROM shard WHERE stream = 'tally'")
        assert all(row.next_seq > SKIP for row in emitted)


async def test_passing_over_sequences_by_command_leaves_the_service_quiet_and_exact(rig: Rig) -> None:
    running = rig.start()
    await rig.publish([repayment(n) for n in range(50)])
    await rig.assert_exact(50)
    await running.stop()
    async with rig.engine.begin() as connection:
        await skip_all(connection)
    again = rig.start()
    await rig.quiet()
    await rig.publish([repayment(n) for n in range(50, 100)])
    await rig.applied(100)
    await rig.quiet()
    await until(lambda: _heard_of(rig, *(f"r{n}" for n in range(100))), "everything to be heard downstream")
    assert await rig.rows("SELECT subject FROM heard WHERE times <> 1") == []
    await again.stop()


async def _forget_offsets(rig: Rig, stream: str, topics: Sequence[str]) -> None:
    group = f"arrears.{rig.name}.{stream}"
    consumer = AIOKafkaConsumer(bootstrap_servers=rig.kafka, group_id=group, enable_auto_commit=False)
    places = [TopicPartition(topic, n) for topic in topics for n in range(PARTITIONS)]
    await consumer.start()
    consumer.assign(places)
    await consumer.commit(dict.fromkeys(places, 0))
    await consumer.stop()


async def test_a_kafka_that_lost_its_committed_offsets_repeats_nothing(rig: Rig) -> None:
    running = rig.start()
    await rig.publish([repayment(n) for n in range(100)])
    await rig.assert_exact(100)
    await running.stop()
    await _forget_offsets(rig, "tally", TOPICS)
    await _forget_offsets(rig, "heard", (OUT,))
    again = rig.start()
    await rig.publish([repayment(n) for n in range(100, 150)])
    await rig.assert_exact(150)
    counted = await rig.rows("SELECT sum((counters ->> 'records')::int) FROM shard WHERE stream = 'tally'")
    assert counted == [(150,)], "no record was read a second time"
    await again.stop()
