"""Replicas with a name: a killed one has its shards back at once, a stopped one lets them go at once.

Sessions here are longer than anything waits: whatever needed one to end would fail.
"""

from tests.integration.messaging.published import repayment
from tests.integration.messaging.rig import Rig, start_program

SESSION_S = 120


async def test_a_killed_replica_goes_on_without_waiting_for_its_session_to_end(rig: Rig) -> None:
    env = {"ARREARS_REPLICA": "a", "ARREARS_SESSION_TIMEOUT_S": str(SESSION_S), "ARREARS_BATCH_RECORDS_MAX": "20"}
    killed = await start_program(rig, ARREARS_SLOW_MS="100", **env)
    await rig.publish([repayment(n) for n in range(400)])
    await rig.applied(60)
    killed.kill()
    await killed.wait()
    again = await start_program(rig, **env)
    await rig.assert_exact(400)
    again.terminate()
    await again.communicate()
    assert again.returncode == 0


async def test_a_stopped_replica_leaves_its_shards_to_the_others(rig: Rig) -> None:
    one = rig.start(replica="one", session_timeout_s=SESSION_S)
    await one.owns(2)
    two = rig.start(replica="two", session_timeout_s=SESSION_S)
    await two.owns(1)
    await rig.publish([repayment(n) for n in range(100)])
    await one.stop()
    await two.owns(2)
    await rig.publish([repayment(n) for n in range(100, 200)])
    await rig.assert_exact(200)
    await two.stop()
