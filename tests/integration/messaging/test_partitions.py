"""Partitions added to topics of a service that has data: drained, set up, added, started; order and effects stay."""

import asyncio
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.messaging import kafka
from shared.messaging.sharding import KeyedRows, Sharding
from shared.messaging.transaction import partition_of
from shared.vocabulary.errors import Misconfigured
from tests.integration.messaging.partitions import (
    ACCOUNTS,
    MORE,
    add_partitions,
    closed,
    drained,
    facts_of,
    first_of,
    set_up,
    shards,
    undrained,
)
from tests.integration.messaging.published import repayment
from tests.integration.messaging.rig import PARTITIONS, Rig
from tests.integration.messaging.running import ready
from tests.integration.messaging.tally import OUT
from tests.integration.messaging.told import first_appearances
from tests.waiting import until


async def test_facts_before_and_after_keep_their_order_and_take_effect_once(own_rig: Rig) -> None:
    rig = own_rig
    await drained(rig, 300)
    assert await undrained(rig) == []
    outcome = await set_up(rig, MORE)
    assert outcome.had == {"tally": PARTITIONS, "heard": PARTITIONS}
    await add_partitions(rig, MORE)
    copies = [rig.start(), rig.start()]
    await rig.publish(facts_of(300, 900))
    told = first_appearances(await rig.assert_exact(900))
    for account in range(ACCOUNTS):
        key, mine = f"account-{account}".encode(), [(one.place, int(one.subject[1:])) for one in told]
        for partitions, first, end in ((PARTITIONS, 0, 300), (MORE, 300, 900)):
            place, facts = f"{OUT}/{partition_of(key, partitions)}", range(first + account, end, ACCOUNTS)
            assert [n for at, n in mine if at == place and n in facts] == list(facts)
    new = await rig.rows("SELECT count(*) FROM effect WHERE shard >= :had", had=PARTITIONS)
    assert new[0][0] > 0, "the new shard took part"
    await rig.close_day("2026-01-06")
    await until(lambda: closed(rig, "2026-01-06", MORE), "the next day to close in every shard")
    assert await closed(rig, "2026-01-05", PARTITIONS), "no new shard closed the day before once more"
    for copy in copies:
        await copy.stop()


async def test_it_can_be_repeated_and_taken_back_until_the_partitions_are_there(own_rig: Rig) -> None:
    rig = own_rig
    await drained(rig, 60)
    before = await shards(rig)
    assert (await set_up(rig, MORE)).had == {"tally": PARTITIONS, "heard": PARTITIONS}
    during = await shards(rig)
    assert len(during) == len(before) + 2 * (MORE - PARTITIONS)
    assert (await set_up(rig, MORE)).had == {"tally": MORE, "heard": MORE}
    assert await shards(rig) == during
    assert (await set_up(rig, PARTITIONS)).had == {"tally": MORE, "heard": MORE}
    assert await shards(rig) == before
    running = rig.start()
    await rig.publish(facts_of(60, 90))
    await rig.assert_exact(90)
    await running.stop()
    await set_up(rig, MORE)
    await add_partitions(rig, MORE)
    epochs = await rig.rows("SELECT sum(epoch) FROM shard")
    assert (await set_up(rig, MORE)).had == {"tally": MORE, "heard": MORE}
    assert await rig.rows("SELECT sum(epoch) FROM shard") == epochs, "once more after the success is nothing"


async def test_it_works_for_partitions_that_were_added_too_early(own_rig: Rig) -> None:
    rig = own_rig
    await drained(rig, 60)
    await add_partitions(rig, MORE)
    moved = next(f"account-{n}" for n in range(99) if partition_of(f"account-{n}".encode(), MORE) >= PARTITIONS)
    await rig.publish([repayment(60, account=moved)])
    running = rig.start()
    with pytest.raises(BaseExceptionGroup) as ended:
        await running.task
    said = str(first_of(ended.value.subgroup(Misconfigured)))
    assert f"python -m services.{rig.name} shards repartition --partitions {MORE}" in said
    assert (await set_up(rig, MORE)).had == {"tally": PARTITIONS, "heard": PARTITIONS}
    again = rig.start()
    await rig.assert_exact(61)
    await again.stop()


async def test_a_service_that_is_ahead_of_its_topics_says_both_ways_on(lone_rig: Rig) -> None:
    await drained(lone_rig, 20)
    await set_up(lone_rig, MORE)
    running = lone_rig.start()
    with pytest.raises(BaseExceptionGroup) as ended:
        await running.task
    said = str(first_of(ended.value.subgroup(Misconfigured)))
    assert "deploy.topics --partitions 3 --increase" in said
    assert "shards repartition --partitions 2" in said


async def test_a_failure_in_the_middle_leaves_everything_as_it_was(lone_rig: Rig) -> None:
    rig = lone_rig
    await drained(rig, 60)
    await rig.execute("CREATE TABLE owned (id text PRIMARY KEY, home integer NOT NULL)")
    for account in range(ACCOUNTS):
        home = partition_of(f"account-{account}".encode(), PARTITIONS)
        await rig.execute("INSERT INTO owned VALUES (:id, :home)", id=f"account-{account}", home=home)
    before, owned = await shards(rig), await rig.rows("SELECT * FROM owned ORDER BY id")

    async def spread(connection: AsyncConnection, partitions: int) -> None:
        moved = await connection.execute(sa.text("SELECT count(*) FROM owned WHERE home >= :n"), {"n": PARTITIONS})
        assert moved.scalar_one() > 0
        raise RuntimeError("cut off")

    keyed = (KeyedRows("tally", "owned", "id", "home"),)
    with pytest.raises(RuntimeError, match="cut off"):
        await set_up(rig, MORE, Sharding(keyed, spread=spread))
    assert await shards(rig) == before
    assert await rig.rows("SELECT * FROM owned ORDER BY id") == owned
    outcome = await set_up(rig, MORE, Sharding(keyed))
    assert 0 < outcome.moved["owned"] < ACCOUNTS
    homes = {row.id: row.home for row in await rig.rows("SELECT id, home FROM owned")}
    assert homes == {account: partition_of(account.encode(), MORE) for account in homes}


async def test_partitions_added_under_a_running_service_end_it(own_rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    made = kafka.group_consumer

    def soon(*given: Any, **more: Any) -> Any:
        consumer = made(*given, **more)
        consumer._client._metadata_max_age_ms = 500
        return consumer

    monkeypatch.setattr(kafka, "group_consumer", soon)
    running = own_rig.start()
    await running.owns(PARTITIONS)
    await add_partitions(own_rig, MORE)
    with pytest.raises(BaseExceptionGroup) as ended:
        async with asyncio.timeout(60):
            await running.task
    assert "partitions were added" in str(first_of(ended.value.subgroup(Misconfigured)))
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
        await rig.publish(facts_of(0, 20))
        with pytest.raises(BaseExceptionGroup) as ended:
            async with asyncio.timeout(60):
                await reader.task
    assert "start it anew" in str(first_of(ended.value.subgroup(Misconfigured)))
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
    await set_up(rig, MORE)
    await add_partitions(rig, MORE)
    await rig.execute("ALTER TABLE effect ALTER COLUMN amount TYPE bigint")
    again = rig.start()
    async with ready(again) as client:
        asked = {"actor": "ann", "reason": "the table holds it now"}
        ((letter,),) = await rig.rows("SELECT id FROM dead_letter")
        assert (await client.post(f"/dead-letters/{letter}/redrive", json=asked)).status_code < 300
        await rig.applied(1)
    assert [tuple(row) for row in await rig.rows("SELECT shard, times FROM effect")] == [(MORE - 1, 1)]
    await again.stop()
