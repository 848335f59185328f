"""A broadcast record is a barrier: it is applied after what lay on the shard before it, once and in order."""

from collections import defaultdict

from aiokafka import AIOKafkaProducer

from tests.integration.messaging.published import repayment
from tests.integration.messaging.rig import Rig
from tests.integration.messaging.tally import CLOSE_ROUNDS, TOPICS, Tally
from tests.waiting import until

DAYS = [f"2026-04-{n:02}" for n in range(1, 13)]


async def _closes(rig: Rig) -> dict[int, list[str]]:
    found = defaultdict(list)
    for shard, day in await rig.rows("SELECT shard, business_date FROM closed ORDER BY place"):
        found[shard].append(day.isoformat())
    return found


async def _all_closed(rig: Rig, days: list[str]) -> bool:
    closes = await _closes(rig)
    return len(closes) == 2 and all(len(found) >= len(days) for found in closes.values())


async def test_a_close_is_applied_after_all_that_was_published_before_it(rig: Rig) -> None:
    facts = [repayment(n) for n in range(5000)]
    # Repayments among the bills are all refused: a barrier is passed by refusing, too.
    await rig.publish(facts[:2500], TOPICS[0])
    running = rig.start(batch_records_max=300, rejected_run_max=2500, rejected_share_max=1.0)
    await rig.publish(facts)
    await rig.close_day(DAYS[0])
    await until(lambda: _all_closed(rig, DAYS[:1]), "the day to close in both shards")
    per_shard = await rig.rows(
        """SELECT c.effects_before, count(*) FROM closed c JOIN effect e USING (shard)
           GROUP BY c.shard, c.effects_before"""
    )
    assert all(before == total for before, total in per_shard)
    assert sum(before for before, _ in per_shard) == 5000
    await running.stop()


async def test_closes_are_gapless_through_crashes_and_rebalances(rig: Rig) -> None:
    running = rig.start(Tally(slow_ms=5), batch_records_max=50)
    for n, day in enumerate(DAYS):
        await rig.publish([repayment(f"{n}-{m}") for m in range(60)])
        await rig.close_day(day)
        if n % 4 == 1:
            await running.crash()
            running = rig.start(Tally(slow_ms=5), batch_records_max=50)
        if n % 4 == 3:
            late = rig.start(Tally(slow_ms=5), batch_records_max=50)
            await late.owns(1)
            await running.stop()
            running = late
    await until(lambda: _all_closed(rig, DAYS), "all days to close in both shards")
    assert dict(await _closes(rig)) == {0: DAYS, 1: DAYS}
    await rig.assert_exact(60 * len(DAYS))
    await running.stop()


async def test_a_transactional_publisher_neither_blocks_the_barrier_nor_smuggles_in_what_it_aborted(rig: Rig) -> None:
    running = rig.start()
    producer = AIOKafkaProducer(bootstrap_servers=rig.kafka, transactional_id=rig.name)
    await producer.start()
    for name, kept in (("kept", True), ("aborted", False)):
        await producer.begin_transaction()
        for n in range(20):
            key, value = repayment(f"{name}-{n}")
            await producer.send_and_wait(TOPICS[1], value, key=key.encode())
        await (producer.commit_transaction() if kept else producer.abort_transaction())
    await producer.stop()
    await rig.close_day(DAYS[0])
    await until(lambda: _all_closed(rig, DAYS[:1]), "the day to close behind the transactions' markers")
    await rig.assert_exact(20)
    await running.stop()


async def test_work_runs_at_start_after_waking_and_again_until_it_says_so(rig: Rig) -> None:
    running = rig.start()
    await until(lambda: _calls(rig, 1), "work at the start of each shard")
    await rig.close_day(DAYS[0])
    await until(lambda: _calls(rig, 1 + CLOSE_ROUNDS), "work until nothing is left")
    await rig.publish([repayment(n) for n in range(20)])
    await rig.assert_exact(20)
    assert {row.calls for row in await rig.rows("SELECT calls FROM due")} == {1 + CLOSE_ROUNDS}
    await running.stop()


async def _calls(rig: Rig, count: int) -> bool:
    rows = await rig.rows("SELECT calls FROM due")
    return len(rows) == 2 and all(row.calls == count for row in rows)
