"""Adding partitions to the topics of a tally that has data, step by step."""

from collections.abc import Sequence
from typing import Any

from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewPartitions

from shared.messaging.repartition import Outcome, Sharded, repartition, undrained_now
from shared.messaging.sharding import Sharding
from shared.runtime import database as runtime
from tests.integration.messaging.published import repayment
from tests.integration.messaging.rig import PARTITIONS, Rig
from tests.integration.messaging.tally import OUT, TOPICS, Tally, service
from tests.waiting import until

MORE = 3
"""No multiple of the old number: keys also move between old partitions."""
ACCOUNTS = 30


def _untold(table: str, seen: int, total: int) -> None:
    """Nobody listens."""


async def set_up(rig: Rig, partitions: int, sharding: Sharding | None = None) -> Outcome:
    """The command's work, as the command connects."""
    engine = runtime.engine_of(rig.database_url, 1)
    streams = service(rig.name, Tally()).streams
    try:
        sharded = Sharded(rig.name, streams, sharding or Sharding(), engine, rig.kafka)
        return await repartition(sharded, partitions, _untold)
    finally:
        await engine.dispose()


async def undrained(rig: Rig) -> Sequence[str]:
    engine = runtime.engine_of(rig.database_url, 1)
    try:
        return await undrained_now(Sharded(rig.name, service(rig.name, Tally()).streams, Sharding(), engine, rig.kafka))
    finally:
        await engine.dispose()


async def add_partitions(rig: Rig, partitions: int) -> None:
    """And publish by the new number: a producer that lives on knows the old one for minutes."""
    admin = AIOKafkaAdminClient(bootstrap_servers=rig.kafka)
    await admin.start()
    await admin.create_partitions({topic: NewPartitions(partitions) for topic in (*TOPICS, OUT)})
    await admin.close()
    new = {TopicPartition(topic, n): 0 for topic in (*TOPICS, OUT) for n in range(rig.partitions, partitions)}
    rig.starts, rig.partitions = {**rig.starts, **new}, partitions
    await rig.producer.stop()
    rig.producer = AIOKafkaProducer(bootstrap_servers=rig.kafka, enable_idempotence=True)
    await rig.producer.start()


async def shards(rig: Rig) -> list[tuple[Any, ...]]:
    statement = "SELECT stream, partition, next_seq, offsets, watermarks, counters FROM shard ORDER BY 1, 2"
    return [tuple(row) for row in await rig.rows(statement)]


def facts_of(first: int, end: int) -> list[tuple[str, bytes]]:
    return [repayment(n, account=f"account-{n % ACCOUNTS}") for n in range(first, end)]


async def drained(rig: Rig, facts: int) -> None:
    """A first life on the old partitions: that many facts applied, a day closed, and the end."""
    running = rig.start()
    await rig.publish(facts_of(0, facts))
    await rig.assert_exact(facts)
    await rig.close_day("2026-01-05")
    await until(lambda: closed(rig, "2026-01-05", PARTITIONS), "the day to close")
    await running.stop()


async def closed(rig: Rig, day: str, shards: int) -> bool:
    found = await rig.rows("SELECT count(*) FROM closed WHERE business_date::text = :day", day=day)
    assert found[0][0] <= shards
    return bool(found[0][0] == shards)


def first_of(error: BaseException | None) -> BaseException:
    assert error is not None
    return first_of(error.exceptions[0]) if isinstance(error, BaseExceptionGroup) else error
