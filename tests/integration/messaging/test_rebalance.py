"""Members of a group come and go under load: shards move, and nothing is lost, repeated or out of order."""

import asyncio

from tests.integration.messaging.published import repayment
from tests.integration.messaging.rig import Rig
from tests.integration.messaging.tally import Tally


async def test_members_join_stop_and_crash_under_load(rig: Rig) -> None:
    first = rig.start(Tally(slow_ms=5), batch_records_max=40)
    publishing = asyncio.create_task(rig.publish([repayment(n) for n in range(2500)]))
    await rig.applied(200)
    second = rig.start(Tally(slow_ms=5), batch_records_max=40)
    await second.owns(1)
    await first.owns(1)
    await rig.applied(min(2500, await rig.effects() + 300))
    await first.stop()
    await second.owns(2)
    third = rig.start(Tally(slow_ms=5), batch_records_max=40)
    await third.owns(1)
    await second.crash()
    await publishing
    await rig.assert_exact(2500)
    await third.stop()


async def test_a_relay_that_sent_without_noting_is_dropped_downstream(rig: Rig) -> None:
    running = rig.start()
    await rig.publish([repayment(n) for n in range(100)])
    await rig.assert_exact(100)
    await running.stop()
    await rig.execute("UPDATE relay SET relayed_seq = 0")
    again = rig.start()
    await rig.publish([repayment(n) for n in range(100, 150)])
    out = await rig.assert_exact(150)
    assert len(out) > 150, "the first hundred went out twice"
    counted = await rig.rows("SELECT sum((counters ->> 'repeated')::int) FROM shard WHERE stream = 'heard'")
    assert counted == [(len(out) - 150,)]
    await again.stop()
