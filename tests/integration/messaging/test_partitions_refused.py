"""What has to be done before partitions are added is named, and nothing changes."""

import pytest
from aiokafka import AIOKafkaProducer

from shared.messaging.drained import ends_of
from shared.messaging.sharding import KeyedRows, Sharding
from shared.messaging.transaction import partition_of
from shared.vocabulary.errors import Misconfigured, Rejected
from tests.integration.messaging.partitions import MORE, drained, set_up, shards, undrained
from tests.integration.messaging.published import repayment
from tests.integration.messaging.rig import PARTITIONS, Rig
from tests.integration.messaging.running import ready
from tests.integration.messaging.tally import TOPICS


async def test_what_lies_unread_is_named_and_nothing_changes(lone_rig: Rig) -> None:
    rig = lone_rig
    await drained(rig, 20)
    before = await shards(rig)
    await rig.publish([repayment(20, account="account-0")])
    place = f"{TOPICS[1]} {partition_of(b'account-0', PARTITIONS)}: applied to"
    assert [sentence for sentence in await undrained(rig) if sentence.startswith(place)]
    with pytest.raises(Rejected, match=place) as refusal:
        await set_up(rig, MORE)
    assert refusal.value.reason == "not_drained"
    assert await shards(rig) == before


async def test_a_topic_that_is_missing_is_named(lone_rig: Rig) -> None:
    with pytest.raises(Misconfigured, match=r"Kafka has no topic banking\.nothing, never\.was; create them with"):
        await ends_of(lone_rig.kafka, ["never.was", *TOPICS, "banking.nothing"])


async def test_what_waits_for_kafka_is_named(lone_rig: Rig) -> None:
    await drained(lone_rig, 20)
    await lone_rig.execute("UPDATE relay SET relayed_seq = relayed_seq - 1 WHERE stream = 'tally' AND partition = 1")
    with pytest.raises(Rejected, match=r"tally\.1: 1 records wait for Kafka"):
        await set_up(lone_rig, MORE)


async def test_what_stands_still_or_waits_for_a_redrive_is_named(lone_rig: Rig) -> None:
    rig = lone_rig
    await drained(rig, 20)
    await rig.execute(
        "INSERT INTO halt (stream, partition, reason, detail, stopped_at) VALUES ('tally', 0, 'run', 'many', now())"
    )
    assert await undrained(rig) == ["tally.0 stands still"]
    await rig.execute("DELETE FROM halt")
    await rig.execute(
        """INSERT INTO dead_letter
               (stream, topic, partition, position, header_pairs, reason, detail, rejected_at, state)
           VALUES ('tally', 'banking.billing', 0, 1, '[]', 'r', 'd', now(), 'queued')"""
    )
    await rig.execute(
        "INSERT INTO redrive SELECT id, 0, 'tally', NULL, 'queued', 'ann' FROM dead_letter WHERE state = 'queued'"
    )
    assert await undrained(rig) == ["1 redrives wait for their shard"]


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
    assert await undrained(rig) == []
    assert (await set_up(rig, MORE)).had == {"tally": PARTITIONS, "heard": PARTITIONS}


async def test_a_running_service_is_not_touched(lone_rig: Rig) -> None:
    running = lone_rig.start()
    async with ready(running):
        with pytest.raises(Rejected, match="stop it first"):
            await set_up(lone_rig, MORE)
    await running.stop()


async def test_fewer_partitions_are_refused(lone_rig: Rig) -> None:
    await drained(lone_rig, 20)
    with pytest.raises(Rejected, match="the topics have 2 partitions, and Kafka takes none away"):
        await set_up(lone_rig, 1)


async def test_keys_that_lie_elsewhere_than_kafka_would_put_them_are_refused(lone_rig: Rig) -> None:
    rig = lone_rig
    await drained(rig, 20)
    await rig.execute("CREATE TABLE owned (id text PRIMARY KEY, home integer NOT NULL)")
    await rig.execute("INSERT INTO owned SELECT 'account-' || n, 0 FROM generate_series(1, 40) AS n")
    with pytest.raises(Rejected, match=r"of 40 rows of owned do not lie where Kafka's default partitioner"):
        await set_up(rig, MORE, Sharding((KeyedRows("tally", "owned", "id", "home"),)))
    assert await rig.rows("SELECT 1 FROM owned WHERE home <> 0") == []
