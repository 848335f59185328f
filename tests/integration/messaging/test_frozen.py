"""A member stands still past its session, another is slow in a transaction: the group goes on without them."""

import asyncio
import signal

from tests.integration.messaging.published import repayment
from tests.integration.messaging.rig import Rig, start_program
from tests.integration.messaging.tally import Tally
from tests.waiting import until


async def test_a_process_stopped_past_its_session_is_replaced_and_cannot_write_when_it_wakes(rig: Rig) -> None:
    frozen = await start_program(rig, ARREARS_SLOW_MS="100", ARREARS_BATCH_RECORDS_MAX="20", ARREARS_IDLE_S="5")
    await rig.publish([repayment(n) for n in range(400)])
    await rig.applied(60)
    frozen.send_signal(signal.SIGSTOP)
    epochs = await _epochs(rig)
    taking = rig.start(batch_records_max=200)
    await taking.owns(2)
    # Stopped between its SQL and its commit it keeps its locks, until the database ends idle transactions.
    await rig.applied(400)
    taken = await _epochs(rig)
    assert all(now > had for now, had in zip(taken, epochs, strict=True))
    frozen.send_signal(signal.SIGCONT)
    await rig.publish([repayment(n) for n in range(400, 800)])
    await rig.assert_exact(800)
    frozen.terminate()
    output, _ = await asyncio.wait_for(frozen.communicate(), 60)
    assert frozen.returncode == 0, output.decode()
    await taking.stop()


async def _epochs(rig: Rig) -> list[int]:
    rows = await rig.rows("SELECT epoch FROM shard WHERE stream = 'tally' ORDER BY partition")
    return [row.epoch for row in rows]


async def test_a_slow_transaction_whose_partition_moves_is_given_up_and_done_by_the_next_owner(rig: Rig) -> None:
    slow = rig.start(Tally(slow_ms=8000), batch_records_max=50)
    await slow.owns(2)
    await rig.publish([repayment(n) for n in range(200)])
    await asyncio.sleep(0.5)
    quick = rig.start(batch_records_max=50)
    await quick.owns(1)
    await slow.crash()
    await until(lambda: _has(rig, 200), "all facts by the quick one", 60)
    await rig.assert_exact(200)
    await quick.stop()


async def _has(rig: Rig, count: int) -> bool:
    return await rig.effects() >= count
