"""The dead letters' door: shown masked, redriven exactly once, discarded for good, with a history nobody can change."""

import asyncio
import base64
import json
from collections.abc import Sequence
from typing import Any

import httpx
import pytest
from sqlalchemy.exc import DBAPIError

from shared.messaging import Received, ShardId, Transaction, dead_letters
from shared.messaging.transaction import partition_of
from tests.integration.messaging.published import day_closed, repayment
from tests.integration.messaging.rig import PARTITIONS, Rig, start_program
from tests.integration.messaging.running import ready
from tests.integration.messaging.tally import CALENDAR, TOPICS, Tally
from tests.waiting import until

BY_ANN = {"actor": "ann", "reason": "ticket 7"}


async def _letters(client: httpx.AsyncClient, count: int, **filters: Any) -> list[dict[str, Any]]:
    async def enough() -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = (await client.get("/dead-letters", params=filters)).json()["dead_letters"]
        return found if len(found) >= count else []

    found: list[dict[str, Any]] = await until(enough, f"{count} dead letters")
    return found


async def _settled(client: httpx.AsyncClient, number: int) -> dict[str, Any]:
    async def known() -> dict[str, Any] | None:
        letter: dict[str, Any] = (await client.get(f"/dead-letters/{number}")).json()
        return None if letter["state"] == "queued" else letter

    settled: dict[str, Any] = await until(known, "the redrive to end")
    return settled


def _corrected(number: int | str, account: str | None = None) -> dict[str, Any]:
    event: dict[str, Any] = json.loads(repayment(number, account=account)[1])
    return event


async def test_a_corrected_event_takes_effect_once_however_often_it_is_asked_for(rig: Rig) -> None:
    running = rig.start()
    await rig.publish([repayment(n, "poison" if n == 1 else "bank", account="one") for n in range(3)])
    async with ready(running) as client:
        (letter,) = await _letters(client, 1)
        wanted = BY_ANN | {"payload": _corrected(1, "one")}
        answers = [await client.post(f"/dead-letters/{letter['id']}/redrive", json=wanted) for _ in range(2)]
        assert [answer.status_code for answer in answers] == [202, 202]
        settled = await _settled(client, letter["id"])
        assert (settled["state"], settled["tries"]) == ("redriven", 1)
        assert [(h["actor"], h["action"], h["corrected"]) for h in settled["history"]] == [
            ("ann", "redrive", True),
            (f"shard tally.{partition_of(b'one', PARTITIONS)}", "accepted", False),
        ]
        again = await client.post(f"/dead-letters/{letter['id']}/redrive", json=wanted)
        assert (again.status_code, again.json()["state"]) == (202, "redriven")
        for action, body in (("redrive", BY_ANN), ("discard", BY_ANN)):
            refused = await client.post(f"/dead-letters/{letter['id']}/{action}", json=body)
            assert (refused.status_code, refused.json()["title"]) == (409, "dead_letter_conflict")
    await rig.assert_exact(3)
    await running.stop()


async def test_what_is_refused_again_is_back_in_the_list(rig: Rig) -> None:
    running = rig.start()
    await rig.publish([repayment(1, "poison")])
    async with ready(running) as client:
        (letter,) = await _letters(client, 1)
        malformed = await client.post(f"/dead-letters/{letter['id']}/redrive", json=BY_ANN | {"payload": {"id": "x"}})
        assert (malformed.status_code, malformed.json()["title"]) == (422, "not_cloudevents")
        for tries in (1, 2):
            await client.post(f"/dead-letters/{letter['id']}/redrive", json=BY_ANN)
            settled = await _settled(client, letter["id"])
            assert (settled["state"], settled["tries"], settled["reason"]) == ("waiting", tries, "database_refused")
        assert [h["action"] for h in settled["history"]] == ["redrive", "rejected"] * 2
        # The cause is gone now: the record as it came is applied.
        await rig.execute("ALTER TABLE effect ALTER amount TYPE integer")
        await client.post(f"/dead-letters/{letter['id']}/redrive", json=BY_ANN)
        assert (await _settled(client, letter["id"]))["state"] == "redriven"
    await rig.assert_exact(1)
    await running.stop()


class _Stuck(Tally):
    """Stands still between its SQL and the commit."""

    def __init__(self) -> None:
        super().__init__()
        self.reached = asyncio.Event()

    async def before_commit(self, tx: Transaction, batch: Sequence[Received]) -> None:
        self.reached.set()
        await asyncio.Event().wait()


async def test_a_crash_between_the_redrive_and_its_commit_changes_nothing(rig: Rig) -> None:
    stuck = _Stuck()
    falling = rig.start(stuck)
    await rig.publish([repayment("fix", "poison")])
    async with ready(falling) as client:
        (letter,) = await _letters(client, 1)
        await client.post(f"/dead-letters/{letter['id']}/redrive", json=BY_ANN | {"payload": _corrected("fix")})
        await until(stuck.reached.is_set, "the redrive's SQL to be through")
        await falling.crash()
    assert await rig.effects() == 0
    assert await rig.rows("SELECT 1 FROM redrive WHERE state = 'queued'")
    running = rig.start()
    async with ready(running) as client:
        assert (await _settled(client, letter["id"]))["state"] == "redriven"
    await rig.assert_exact(1)
    await running.stop()


class _Faulty(Tally):
    """Has a fault that one repayment meets, once."""

    met = False

    async def before_commit(self, tx: Transaction, batch: Sequence[Received]) -> None:
        if not self.met and any(r.event.id == "rfix" for r in batch):
            self.met = True
            raise RuntimeError("secret")


async def test_a_fault_of_ours_on_a_redrive_is_the_letters_and_not_the_processs(rig: Rig) -> None:
    running = rig.start(_Faulty())
    await rig.publish([repayment("fix", "poison"), repayment(2)])
    async with ready(running) as client:
        (letter,) = await _letters(client, 1)
        asked = BY_ANN | {"payload": _corrected("fix")}
        await client.post(f"/dead-letters/{letter['id']}/redrive", json=asked)
        settled = await _settled(client, letter["id"])
        assert (settled["state"], settled["reason"]) == ("waiting", "handler_failed")
        assert "secret" not in json.dumps(settled)
        await client.post(f"/dead-letters/{letter['id']}/redrive", json=asked)
        assert (await _settled(client, letter["id"]))["state"] == "redriven"
    await rig.assert_exact(2)
    await running.stop()


async def test_a_corrected_account_is_folded_where_it_lives(rig: Rig) -> None:
    running = rig.start()
    homes = {partition_of(name.encode(), PARTITIONS): name for name in ("one", "two", "three", "four", "five")}
    assert len(homes) == PARTITIONS
    await rig.publish([repayment(1, "poison", account=homes[0])])
    async with ready(running) as client:
        (letter,) = await _letters(client, 1)
        await client.post(f"/dead-letters/{letter['id']}/redrive", json=BY_ANN | {"payload": _corrected(1, homes[1])})
        assert (await _settled(client, letter["id"]))["state"] == "redriven"
    assert [tuple(row) for row in await rig.rows("SELECT shard FROM effect")] == [(1,)]
    await rig.assert_exact(1)
    await running.stop()


async def test_a_corrected_broadcast_reaches_every_shard_once(rig: Rig) -> None:
    running = rig.start()
    await rig.producer.send_and_wait(CALENDAR, b"not json", partition=0)
    async with ready(running) as client:
        (letter,) = await _letters(client, 1)
        payload = json.loads(day_closed("2026-03-02"))
        await client.post(f"/dead-letters/{letter['id']}/redrive", json=BY_ANN | {"payload": payload})
        settled = await _settled(client, letter["id"])
        assert (settled["state"], settled["tries"]) == ("redriven", 1)
    closed = await rig.rows("SELECT shard FROM closed ORDER BY shard")
    assert [row.shard for row in closed] == list(range(PARTITIONS))
    await running.stop()


async def test_a_discard_while_the_shard_takes_the_letter_waits_for_nobody_who_waits_for_it(rig: Rig) -> None:
    running = rig.start()
    await rig.publish([repayment(1, "poison")])
    async with ready(running) as client:
        (letter,) = await _letters(client, 1)
    await running.stop()
    await rig.execute("INSERT INTO redrive SELECT id, partition, stream, NULL, 'queued', 'ann' FROM dead_letter")
    await rig.execute("UPDATE dead_letter SET state = 'queued'")

    async def take() -> list[Any]:
        async with rig.engine.begin() as connection:
            return await dead_letters.take_queued(connection, ShardId("tally", letter["partition"]), 10)

    async with rig.engine.begin() as connection:
        await dead_letters.one(connection, letter["id"], lock=True)
        taking = asyncio.create_task(take())
        await asyncio.wait({taking}, timeout=0.3)
        await dead_letters.discard(connection, letter["id"])
    assert await taking == []


async def test_a_discarded_letter_stays_discarded_and_its_history_cannot_be_changed(rig: Rig) -> None:
    running = rig.start()
    await rig.publish([("k", b"not json")])
    async with ready(running) as client:
        (letter,) = await _letters(client, 1)
        door = f"/dead-letters/{letter['id']}"
        answers = [await client.post(f"{door}/discard", json=BY_ANN) for _ in range(2)]
        assert [(a.status_code, a.json()["state"]) for a in answers] == [(200, "discarded")] * 2
        assert (await client.post(f"{door}/redrive", json=BY_ANN)).status_code == 409
        assert (await client.post(f"{door}/discard", json={"actor": "ann"})).status_code == 422
        assert (await client.post("/dead-letters/999999/discard", json=BY_ANN)).status_code == 404
        assert [h["action"] for h in (await client.get(door)).json()["history"]] == ["discard"]
    for change in ("UPDATE dead_letter_history SET actor = 'bob'", "DELETE FROM dead_letter_history"):
        with pytest.raises(DBAPIError, match="append-only"):
            await rig.execute(change)
    await running.stop()


async def test_a_command_on_several_letters_tells_of_those_it_settled_and_names_the_one_it_cannot(rig: Rig) -> None:
    running = rig.start()
    await rig.publish([("k", b"not json")] * 2)
    async with ready(running) as client:
        letters = [letter["id"] for letter in await _letters(client, 2)]
    act = ("--actor", "ann", "--reason", "ticket 7")
    code, said = await _command(rig, "dead-letters", "discard", *map(str, letters), "999", *act)
    settled, _, refused = said.rpartition("}\n")
    assert [one["id"] for one in json.loads("[" + settled.replace("}\n{", "},{") + "}]")] == letters
    assert (code, refused) == (1, "dead_letter_not_found: there is no dead letter 999 in this service\n")
    await running.stop()


async def test_letters_are_filtered_and_paged_masked_and_revealed_to_who_says_why(rig: Rig) -> None:
    running = rig.start()
    person = {"specversion": "1.0", "id": "1", "data": {"name": "Ann Ö'Hara", "account_id": "A-1", "Ann": 1}}
    values = [b"not json", json.dumps(person).encode(), b"\xff\x00"]
    headers = [("trace", b"\x00\xff"), ("note", b"Ann"), ("nothing", None)]
    for value in values:
        await rig.publish([("one", value)], headers=headers)
    async with ready(running) as client:
        everything = await _letters(client, 3)
        ids = [letter["id"] for letter in everything]
        assert [x["reason"] for x in everything] == ["not_json", "not_cloudevents", "not_json"]
        assert [x["id"] for x in await _letters(client, 2, reason="not_json")] == [ids[0], ids[2]]
        first = (await client.get("/dead-letters", params={"limit": 2})).json()
        rest = (await client.get("/dead-letters", params={"limit": 2, "after": first["next_after"]})).json()
        assert [[x["id"] for x in page["dead_letters"]] for page in (first, rest)] == [ids[:2], ids[2:]]
        at = everything[0]["rejected_at"]
        for empty in ({"topic": CALENDAR}, {"state": "redriven"}, {"until": at}, {"reason": "x"}):
            assert (await client.get("/dead-letters", params=empty)).json()["dead_letters"] == []
        assert len(await _letters(client, 3, since=at, state="waiting", topic=TOPICS[1])) == 3

        masked = await client.get(f"/dead-letters/{ids[1]}")
        assert masked.json()["payload"]["data"]["account_id"] == "A-1"
        assert "Hara" not in masked.text
        assert '"Ann"' not in masked.text.replace('["note","Ann"]', "")
        assert (await client.post(f"/dead-letters/{ids[1]}/reveal", json={})).status_code == 422
        for number, value in zip(ids, values, strict=True):
            shown = (await client.post(f"/dead-letters/{number}/reveal", json=BY_ANN)).json()
            assert base64.b64decode(shown["value"]["base64"]) == value
            raw = [h["value"] and base64.b64decode(h["value"]["base64"]) for h in shown["headers"]]
            assert raw == [value for _, value in headers]
        assert [h["action"] for h in (await client.get(f"/dead-letters/{ids[1]}")).json()["history"]] == ["reveal"]
    await running.stop()


async def _command(rig: Rig, *arguments: str) -> tuple[int, str]:
    process = await start_program(rig, *arguments)
    said, _ = await process.communicate()
    return process.returncode or 0, said.decode()


async def test_the_same_from_the_command_line(rig: Rig, tmp_path: Any) -> None:
    running = rig.start()
    await rig.publish([repayment(1, "poison", account="one"), ("k", b"not json")])
    async with ready(running) as client:
        by_reason = {letter["reason"]: letter["id"] for letter in await _letters(client, 2)}
        fixable, hopeless = by_reason["database_refused"], by_reason["not_json"]
        listed = await _command(rig, "dead-letters", "list", "--reason", "not_json", "--json")
        assert [letter["id"] for letter in json.loads(listed[1])] == [hopeless]
        assert "database_refused" in (await _command(rig, "dead-letters", "list"))[1].replace("\n", "")
        file = tmp_path / "corrected.json"
        file.write_bytes(repayment(1, account="one")[1])
        act = ("--actor", "ann", "--reason", "ticket 7")
        assert (await _command(rig, "dead-letters", "redrive", str(fixable), "--payload", str(file), *act))[0] == 0
        assert (await _settled(client, fixable))["state"] == "redriven"
        assert (await _command(rig, "dead-letters", "discard", str(hopeless), *act))[0] == 0
        code, said = await _command(rig, "dead-letters", "redrive", str(hopeless), *act)
        assert (code, said.split(":")[0]) == (1, "dead_letter_conflict")
        beyond = (("show", "9" * 20), ("discard", "9" * 20, *act), ("list", "--after", "9" * 20))
        for code, said in await asyncio.gather(*(_command(rig, "dead-letters", *words) for words in beyond)):
            assert (code, said.split(":")[0], said.count("\n")) == (1, "unstorable_value", 1)
        shown = json.loads((await _command(rig, "dead-letters", "show", str(hopeless)))[1])
        assert (shown["state"], shown["payload"]) == ("discarded", "(not JSON, 8 bytes)")
    await rig.assert_exact(1)
    await running.stop()
