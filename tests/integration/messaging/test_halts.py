"""A flood of refused records stops its shard, and only that; it stays stopped until somebody resumes it."""

from typing import Any

import httpx

from shared.messaging.transaction import partition_of
from tests.integration.messaging.published import repayment
from tests.integration.messaging.rig import PARTITIONS, Rig, start_program
from tests.integration.messaging.running import Running, ready
from tests.waiting import until

LIMITS: dict[str, Any] = {"rejected_run_max": 20, "rejected_window_records": 100, "batch_records_max": 50}
BY_ANN = {"actor": "ann", "reason": "core banking has rolled back"}
BAD, GOOD = "one", next(n for n in ("two", "three", "four") if partition_of(n.encode(), 2) != partition_of(b"one", 2))
STOPPED = partition_of(BAD.encode(), PARTITIONS)


async def _stopped(client: httpx.AsyncClient) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await client.get("/health/ready")).json()["stopped"]
    return found


async def _stopped_by_a_flood(rig: Rig, running: Running) -> None:
    await rig.publish([(BAD, b"not json")] * 30)
    async with ready(running) as client:
        (stop,) = await until(lambda: _stopped(client), "the shard to stop")
        assert (stop["stream"], stop["partition"], stop["reason"]) == ("tally", STOPPED, "rejected_run")
    await rig.publish([repayment(n, account=BAD) for n in range(5)])
    await rig.publish([repayment(f"other{n}", account=GOOD) for n in range(5)])


async def test_a_run_of_refusals_stops_its_shard_until_it_is_resumed(rig: Rig) -> None:
    running = rig.start(**LIMITS)
    await _stopped_by_a_flood(rig, running)
    async with ready(running) as client:
        await rig.applied(5)
        assert (await client.get("/health/live")).status_code == 200
        assert f'arrears_shard_stopped{{shard="tally.{STOPPED}"}} 1.0' in (await client.get("/metrics")).text
        assert 20 < len(await rig.rows("SELECT id FROM dead_letter")) <= 30
    await running.stop()

    restarted = rig.start(**LIMITS)
    async with ready(restarted) as client:
        await restarted.owns(PARTITIONS)
        await rig.publish([repayment("more", account=GOOD)])
        await rig.applied(6)
        assert [stop["partition"] for stop in await _stopped(client)] == [STOPPED]
        assert len(await rig.rows("SELECT id FROM effect WHERE shard = :n", n=STOPPED)) == 0
        resumed = await client.post(f"/shards/tally/{STOPPED}/resume", json=BY_ANN)
        assert (resumed.status_code, resumed.json()["stopped"]) == (200, False)
        again = await client.post(f"/shards/tally/{STOPPED}/resume", json=BY_ANN)
        assert (again.status_code, again.json()["title"]) == (409, "shard_runs_conflict")
        assert (await client.post("/shards/tally/99/resume", json=BY_ANN)).status_code == 404
    await rig.assert_exact(11)
    ended = await rig.rows("SELECT resumed_by, resumed_because FROM halt")
    assert [tuple(row) for row in ended] == [("ann", BY_ANN["reason"])]
    await restarted.stop()


async def test_a_stopped_shard_is_resumed_from_the_command_line(rig: Rig) -> None:
    running = rig.start(**LIMITS)
    await _stopped_by_a_flood(rig, running)
    process = await start_program(
        rig, "shards", "resume", "tally", str(STOPPED), "--actor", "ann", "--reason", "rolled back"
    )
    await process.communicate()
    assert process.returncode == 0
    await rig.assert_exact(10)
    await running.stop()


async def test_a_share_of_refusals_stops_the_shard_where_no_run_does(rig: Rig) -> None:
    running = rig.start(**LIMITS)
    facts = [(BAD, b"not json") if n % 3 == 0 else repayment(n, account=BAD) for n in range(300)]
    await rig.publish(facts)
    async with ready(running) as client:
        (stop,) = await until(lambda: _stopped(client), "the shard to stop")
        assert stop["reason"] == "rejected_share"
        assert len(await rig.rows("SELECT id FROM dead_letter")) < 100
        await client.post(f"/shards/tally/{STOPPED}/resume", json=BY_ANN)
        await until(lambda: _stopped(client), "it to stop again: every third record is still bad")
    await running.stop()


async def test_a_few_dozen_bad_records_among_good_ones_stop_nothing(rig: Rig) -> None:
    running = rig.start()
    await rig.publish([(BAD, b"not json")] * 60)
    await rig.publish([repayment(n, account=BAD) for n in range(40)])
    await rig.assert_exact(40)
    async with ready(running) as client:
        assert await _stopped(client) == []
    await running.stop()
