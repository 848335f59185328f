"""Partitions added to topics of a service that has data: drained, set up, added, started; order and effects stay."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
import sqlalchemy as sa
from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewPartitions
from sqlalchemy.ext.asyncio import AsyncConnection

from deploy.local.kafka import KafkaServer
from deploy.topics import create_topics
from shared.messaging import kafka
from shared.messaging.repartition import Outcome, Sharded, repartition, undrained_now
from shared.messaging.sharding import KeyedRows, Sharding
from shared.messaging.transaction import partition_of
from shared.runtime import database as runtime
from shared.vocabulary.errors import Misconfigured, Rejected
from tests.conftest import DatabaseFactory
from tests.integration.messaging.rig import PARTITIONS, Rig, first_appearances, new_rig, ready, repayment, until
from tests.integration.messaging.tally import OUT, TOPICS, Tally, create, service

MORE = 3
"""No multiple of the old number: keys also move between old partitions."""
ACCOUNTS = 30

pytestmark = pytest.mark.timeout(300)


@pytest_asyncio.fixture
async def lone_rig(own_kafka: str, database: DatabaseFactory) -> AsyncIterator[Rig]:
    """On a broker that nobody else publishes to, for tests that leave its topics as they are."""
    await create_topics(own_kafka, PARTITIONS)
    async with new_rig(own_kafka, await database("ingest", fresh=True), create) as found:
        yield found


@pytest_asyncio.fixture
async def own_rig(tmp_path: Path, database: DatabaseFactory) -> AsyncIterator[Rig]:
    """A broker of the test's own, since partitions that were added stay."""
    server = KafkaServer(tmp_path / "kafka", tmp_path / "kafka.log")
    child = await server.start()
    await create_topics(server.bootstrap, PARTITIONS)
    async with new_rig(server.bootstrap, await database("ingest", fresh=True), create) as found:
        yield found
    child.kill()
    await child.wait()


def _untold(table: str, seen: int, total: int) -> None:
    """Nobody listens."""


async def _set_up(rig: Rig, partitions: int, sharding: Sharding | None = None) -> Outcome:
    """The command's work, as the command connects."""
    engine = runtime.engine_of(rig.database_url, 1)
    streams = service(rig.name, Tally()).streams
    try:
        sharded = Sharded(rig.name, streams, sharding or Sharding(), engine, rig.kafka)
        return await repartition(sharded, partitions, _untold)
    finally:
        await engine.dispose()


async def _undrained(rig: Rig) -> Sequence[str]:
    engine = runtime.engine_of(rig.database_url, 1)
    try:
        return await undrained_now(Sharded(rig.name, service(rig.name, Tally()).streams, Sharding(), engine, rig.kafka))
    finally:
        await engine.dispose()


async def _add_partitions(rig: Rig, partitions: int) -> None:
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


async def _shards(rig: Rig) -> list[tuple[Any, ...]]:
    statement = "SELECT stream, partition, next_seq, offsets, watermarks, counters FROM shard ORDER BY 1, 2"
    return [tuple(row) for row in await rig.rows(statement)]


def _facts(first: int, end: int) -> list[tuple[str, bytes]]:
    return [repayment(n, account=f"account-{n % ACCOUNTS}") for n in range(first, end)]


async def _drained(rig: Rig, facts: int) -> None:
    """A first life on the old partitions: that many facts applied, a day closed, and the end."""
    running = rig.start()
    await rig.publish(_facts(0, facts))
    await rig.assert_exact(facts)
    await rig.close_day("2026-01-05")
    await until(lambda: _closed(rig, "2026-01-05", PARTITIONS), "the day to close")
    await running.stop()


async def _closed(rig: Rig, day: str, shards: int) -> bool:
    found = await rig.rows("SELECT count(*) FROM closed WHERE business_date::text = :day", day=day)
    assert found[0][0] <= shards
    return bool(found[0][0] == shards)


async def test_facts_before_and_after_keep_their_order_and_take_effect_once(own_rig: Rig) -> None:
    rig = own_rig
    await _drained(rig, 300)
    assert await _undrained(rig) == []
    outcome = await _set_up(rig, MORE)
    assert outcome.had == {"tally": PARTITIONS, "heard": PARTITIONS}
    await _add_partitions(rig, MORE)
    copies = [rig.start(), rig.start()]
    await rig.publish(_facts(300, 900))
    told = first_appearances(await rig.assert_exact(900))
    for account in range(ACCOUNTS):
        key, mine = f"account-{account}".encode(), [(one.place, int(one.subject[1:])) for one in told]
        for partitions, first, end in ((PARTITIONS, 0, 300), (MORE, 300, 900)):
            place, facts = f"{OUT}/{partition_of(key, partitions)}", range(first + account, end, ACCOUNTS)
            assert [n for at, n in mine if at == place and n in facts] == list(facts)
    new = await rig.rows("SELECT count(*) FROM effect WHERE shard >= :had", had=PARTITIONS)
    assert new[0][0] > 0, "the new shard took part"
    await rig.close_day("2026-01-06")
    await until(lambda: _closed(rig, "2026-01-06", MORE), "the next day to close in every shard")
    assert await _closed(rig, "2026-01-05", PARTITIONS), "no new shard closed the day before once more"
    for copy in copies:
        await copy.stop()


async def test_what_lies_unread_is_named_and_nothing_changes(lone_rig: Rig) -> None:
    rig = lone_rig
    await _drained(rig, 20)
    before = await _shards(rig)
    await rig.publish([repayment(20, account="account-0")])
    place = f"{TOPICS[1]} {partition_of(b'account-0', PARTITIONS)}: applied to"
    assert [sentence for sentence in await _undrained(rig) if sentence.startswith(place)]
    with pytest.raises(Rejected, match=place) as refusal:
        await _set_up(rig, MORE)
    assert refusal.value.reason == "not_drained"
    assert await _shards(rig) == before


async def test_what_waits_for_kafka_is_named(lone_rig: Rig) -> None:
    await _drained(lone_rig, 20)
    await lone_rig.execute("UPDATE relay SET relayed_seq = relayed_seq - 1 WHERE stream = 'tally' AND partition = 1")
    with pytest.raises(Rejected, match=r"tally\.1: 1 records wait for Kafka"):
        await _set_up(lone_rig, MORE)


async def test_what_stands_still_or_waits_for_a_redrive_is_named(lone_rig: Rig) -> None:
    rig = lone_rig
    await _drained(rig, 20)
    await rig.execute(
        "INSERT INTO halt (stream, partition, reason, detail, stopped_at) VALUES ('tally', 0, 'run', 'many', now())"
    )
    assert await _undrained(rig) == ["tally.0 stands still"]
    await rig.execute("DELETE FROM halt")
    await rig.execute(
        """INSERT INTO dead_letter
               (stream, topic, partition, position, header_pairs, reason, detail, rejected_at, state)
           VALUES ('tally', 'banking.billing', 0, 1, '[]', 'r', 'd', now(), 'queued')"""
    )
    await rig.execute(
        "INSERT INTO redrive SELECT id, 0, 'tally', NULL, 'queued', 'ann' FROM dead_letter WHERE state = 'queued'"
    )
    assert await _undrained(rig) == ["1 redrives wait for their shard"]


async def test_a_transaction_that_ended_last_on_a_partition_is_no_unread_record(lone_rig: Rig) -> None:
    rig = lone_rig
    running = rig.start()
    producer = AIOKafkaProducer(bootstrap_servers=rig.kafka, transactional_id=rig.name)
    await producer.start()
    async with producer.transaction():
        await producer.send_and_wait(TOPICS[1], repayment(1)[1], key=b"account-1", partition=0)
    await rig.applied(1)
    await rig.quiet()
    await running.stop()
    await producer.begin_transaction()
    await producer.send_and_wait(TOPICS[1], repayment(2)[1], key=b"account-2", partition=0)
    await producer.abort_transaction()
    await producer.stop()
    assert await _undrained(rig) == []
    assert (await _set_up(rig, MORE)).had == {"tally": PARTITIONS, "heard": PARTITIONS}


async def test_a_running_service_is_not_touched(lone_rig: Rig) -> None:
    running = lone_rig.start()
    async with ready(running):
        with pytest.raises(Rejected, match="stop it first"):
            await _set_up(lone_rig, MORE)
    await running.stop()


async def test_fewer_partitions_are_refused(lone_rig: Rig) -> None:
    await _drained(lone_rig, 20)
    with pytest.raises(Rejected, match="the topics have 2 partitions, and Kafka takes none away"):
        await _set_up(lone_rig, 1)


async def test_it_can_be_repeated_and_taken_back_until_the_partitions_are_there(own_rig: Rig) -> None:
    rig = own_rig
    await _drained(rig, 60)
    before = await _shards(rig)
    assert (await _set_up(rig, MORE)).had == {"tally": PARTITIONS, "heard": PARTITIONS}
    during = await _shards(rig)
    assert len(during) == len(before) + 2 * (MORE - PARTITIONS)
    assert (await _set_up(rig, MORE)).had == {"tally": MORE, "heard": MORE}
    assert await _shards(rig) == during
    assert (await _set_up(rig, PARTITIONS)).had == {"tally": MORE, "heard": MORE}
    assert await _shards(rig) == before
    running = rig.start()
    await rig.publish(_facts(60, 90))
    await rig.assert_exact(90)
    await running.stop()
    await _set_up(rig, MORE)
    await _add_partitions(rig, MORE)
    epochs = await rig.rows("SELECT sum(epoch) FROM shard")
    assert (await _set_up(rig, MORE)).had == {"tally": MORE, "heard": MORE}
    assert await rig.rows("SELECT sum(epoch) FROM shard") == epochs, "once more after the success is nothing"


async def test_it_works_for_partitions_that_were_added_too_early(own_rig: Rig) -> None:
    rig = own_rig
    await _drained(rig, 60)
    await _add_partitions(rig, MORE)
    moved = next(f"account-{n}" for n in range(99) if partition_of(f"account-{n}".encode(), MORE) >= PARTITIONS)
    await rig.publish([repayment(60, account=moved)])
    running = rig.start()
    with pytest.raises(BaseExceptionGroup) as ended:
        await running.task
    said = str(_first(ended.value.subgroup(Misconfigured)))
    assert f"python -m services.{rig.name} shards repartition --partitions {MORE}" in said
    assert (await _set_up(rig, MORE)).had == {"tally": PARTITIONS, "heard": PARTITIONS}
    again = rig.start()
    await rig.assert_exact(61)
    await again.stop()


async def test_a_service_that_is_ahead_of_its_topics_says_both_ways_on(lone_rig: Rig) -> None:
    await _drained(lone_rig, 20)
    await _set_up(lone_rig, MORE)
    running = lone_rig.start()
    with pytest.raises(BaseExceptionGroup) as ended:
        await running.task
    said = str(_first(ended.value.subgroup(Misconfigured)))
    assert "deploy.topics --partitions 3 --increase" in said
    assert "shards repartition --partitions 2" in said


def _first(error: BaseException | None) -> BaseException:
    assert error is not None
    return _first(error.exceptions[0]) if isinstance(error, BaseExceptionGroup) else error


async def test_a_failure_in_the_middle_leaves_everything_as_it_was(lone_rig: Rig) -> None:
    rig = lone_rig
    await _drained(rig, 60)
    await rig.execute("CREATE TABLE owned (id text PRIMARY KEY, home integer NOT NULL)")
    for account in range(ACCOUNTS):
        home = partition_of(f"account-{account}".encode(), PARTITIONS)
        await rig.execute("INSERT INTO owned VALUES (:id, :home)", id=f"account-{account}", home=home)
    before, owned = await _shards(rig), await rig.rows("SELECT * FROM owned ORDER BY id")

    async def spread(connection: AsyncConnection, partitions: int) -> None:
        moved = await connection.execute(sa.text("SELECT count(*) FROM owned WHERE home >= :n"), {"n": PARTITIONS})
        assert moved.scalar_one() > 0
        raise RuntimeError("cut off")

    keyed = (KeyedRows("tally", "owned", "id", "home"),)
    with pytest.raises(RuntimeError, match="cut off"):
        await _set_up(rig, MORE, Sharding(keyed, spread=spread))
    assert await _shards(rig) == before
    assert await rig.rows("SELECT * FROM owned ORDER BY id") == owned
    outcome = await _set_up(rig, MORE, Sharding(keyed))
    assert 0 < outcome.moved["owned"] < ACCOUNTS
    homes = {row.id: row.home for row in await rig.rows("SELECT id, home FROM owned")}
    assert homes == {account: partition_of(account.encode(), MORE) for account in homes}


async def test_keys_that_lie_elsewhere_than_kafka_would_put_them_are_refused(lone_rig: Rig) -> None:
    rig = lone_rig
    await _drained(rig, 20)
    await rig.execute("CREATE TABLE owned (id text PRIMARY KEY, home integer NOT NULL)")
    await rig.execute("INSERT INTO owned SELECT 'account-' || n, 0 FROM generate_series(1, 40) AS n")
    with pytest.raises(Rejected, match=r"of 40 rows of owned do not lie where Kafka's default partitioner"):
        await _set_up(rig, MORE, Sharding((KeyedRows("tally", "owned", "id", "home"),)))
    assert await rig.rows("SELECT 1 FROM owned WHERE home <> 0") == []


async def test_partitions_added_under_a_running_service_end_it(own_rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    made = kafka.group_consumer

    def soon(*given: Any, **more: Any) -> Any:
        consumer = made(*given, **more)
        consumer._client._metadata_max_age_ms = 500
        return consumer

    monkeypatch.setattr(kafka, "group_consumer", soon)
    running = own_rig.start()
    await running.owns(PARTITIONS)
    await _add_partitions(own_rig, MORE)
    with pytest.raises(BaseExceptionGroup) as ended:
        async with asyncio.timeout(60):
            await running.task
    assert "partitions were added" in str(_first(ended.value.subgroup(Misconfigured)))
    assert await own_rig.rows("SELECT 1 FROM shard WHERE partition >= :had", had=PARTITIONS) == []


async def test_a_process_that_slept_through_it_neither_reads_nor_commands_again(lone_rig: Rig) -> None:
    rig = lone_rig
    running = rig.start(only="api")
    reader = rig.start(only="consumer")
    async with ready(running) as client:
        await reader.owns(PARTITIONS)
        assert (await client.post("/tell/before")).status_code == 200
        # What the command leaves behind, seen by those whose sessions it could not see.
        await rig.execute("INSERT INTO shard VALUES ('tally', 2, 0, 1, '{}', '{}', '{}')")
        await rig.execute("UPDATE shard SET epoch = epoch + 1")
        assert (await client.post("/tell/after")).status_code == 503
        await rig.publish(_facts(0, 20))
        with pytest.raises(BaseExceptionGroup) as ended:
            async with asyncio.timeout(60):
                await reader.task
    assert "start it anew" in str(_first(ended.value.subgroup(Misconfigured)))
    assert await rig.effects() == 0
    await running.stop()


async def test_a_letter_from_before_is_redriven_where_its_account_lives_now(own_rig: Rig) -> None:
    rig = own_rig
    account = next(f"a{n}" for n in range(99) if partition_of(f"a{n}".encode(), MORE) >= PARTITIONS)
    running = rig.start()
    await rig.publish([repayment(1, "poison", account=account)])
    await until(lambda: rig.rows("SELECT 1 FROM dead_letter"), "a dead letter")
    await rig.quiet()
    await running.stop()
    await _set_up(rig, MORE)
    await _add_partitions(rig, MORE)
    await rig.execute("ALTER TABLE effect ALTER COLUMN amount TYPE bigint")
    again = rig.start()
    async with ready(again) as client:
        asked = {"actor": "ann", "reason": "the table holds it now"}
        ((letter,),) = await rig.rows("SELECT id FROM dead_letter")
        assert (await client.post(f"/dead-letters/{letter}/redrive", json=asked)).status_code < 300
        await rig.applied(1)
    assert [tuple(row) for row in await rig.rows("SELECT shard, times FROM effect")] == [(MORE - 1, 1)]
    await again.stop()
