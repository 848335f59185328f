"""HTTP commands go through a shard of their own; whoever leads it relays what any process wrote."""

import asyncio

import asyncpg

from tests.integration.messaging.rig import Rig
from tests.integration.messaging.running import ready
from tests.waiting import until


async def _told(rig: Rig, count: int) -> bool:
    return len(await rig.rows("SELECT subject FROM heard")) >= count


async def test_concurrent_commands_are_gapless_and_relayed(rig: Rig) -> None:
    running = rig.start()
    async with ready(running) as client:
        answers = await asyncio.gather(*(client.post(f"/tell/c{n}") for n in range(20)))
        assert {answer.status_code for answer in answers} == {200}
        await until(lambda: _told(rig, 20), "twenty commands heard downstream")
        out = sorted((one.seq, one.subject) for one in await rig.out())
        assert [seq for seq, _ in out] == list(range(1, 21))
        assert {subject for _, subject in out} == {f"c{n}" for n in range(20)}
    await running.stop()


async def test_one_process_relays_for_all_and_another_takes_over(rig: Rig) -> None:
    leader = rig.start(only="api")
    consumer = rig.start(only="consumer")
    async with ready(leader) as client:
        await client.post("/tell/by-the-leader")
    follower = rig.start(only="api")
    async with ready(follower) as client:
        await client.post("/tell/by-the-follower")
        await until(lambda: _told(rig, 2), "both commands heard downstream")
        await leader.crash()
        await client.post("/tell/after-the-end")
        await until(lambda: _told(rig, 3), "the command after the leader's end")
    assert await rig.rows("SELECT subject FROM heard WHERE times <> 1") == []
    await follower.stop()
    await consumer.stop()


async def test_what_waits_to_be_relayed_is_seen_by_a_process_that_does_not_relay(rig: Rig) -> None:
    """A process that has just been started again after a kill is not through while its predecessor's records wait."""
    lock = await asyncpg.connect(rig.database_url.replace("+asyncpg", ""))
    await lock.execute("SELECT pg_advisory_lock(hashtext('arrears.relay.' || current_schema()))")
    running = rig.start()
    async with ready(running) as client:
        await client.post("/tell/waiting")
        assert (await client.get("/progress")).json()["commands"] == {"emitted": 1, "relayed": 0}
        await lock.close()
        await until(lambda: _told(rig, 1), "the command heard downstream")
        assert (await client.get("/progress")).json()["commands"] == {"emitted": 1, "relayed": 1}
    await running.stop()


async def test_who_relays_knows_at_once_of_what_others_have_committed(rig: Rig) -> None:
    """Else a system looks quiet while a command is under way."""
    first, second = rig.start(only="api"), rig.start(only="api")
    async with ready(first) as one, ready(second) as other:
        for told, door in enumerate((one, other) * 5, 1):
            assert (await door.post(f"/tell/{told}")).status_code == 200
            for asked in (one, other):
                assert (await asked.get("/progress")).json()["commands"]["emitted"] == told
    await first.stop()
    await second.stop()


async def test_a_lost_lead_connection_is_replaced(rig: Rig) -> None:
    running = rig.start()
    async with ready(running) as client:
        await client.post("/tell/before")
        await until(lambda: _told(rig, 1), "the first command")
        await rig.rows(
            """SELECT pg_terminate_backend(pid) FROM pg_locks JOIN pg_database d ON d.oid = database
               WHERE locktype = 'advisory' AND datname = current_database()"""
        )
        answers = [await client.post(f"/tell/{n}") for n in range(5)]
        told = sum(answer.status_code == 200 for answer in answers)
        assert {answer.status_code for answer in answers} <= {200, 503}
        await until(lambda: _told(rig, 1 + told), "commands after the connection was lost")
        assert not running.task.done()
    await running.stop()


async def test_failures_are_problem_details_without_internals(rig: Rig) -> None:
    running = rig.start()
    async with ready(running) as client:
        expected = {"rejected": 404, "unavailable": 503, "value": 422, "bug": 500}
        for how, status in expected.items():
            answer = await client.get("/fail", params={"how": how})
            assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
            assert answer.json()["status"] == status
            assert "secret" not in answer.text
        assert (await client.get("/fail", params={"how": "unavailable"})).headers["retry-after"]
        assert (await client.get("/fail")).status_code == 422
        assert (await client.get("/nowhere")).headers["content-type"] == "application/problem+json"
    await running.stop()
