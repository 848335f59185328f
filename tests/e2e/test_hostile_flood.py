"""Everything made to break parsers, on every topic that is read and through the HTTP door, in one run of the system.

Each record is either applied or a dead letter with a name in every service that reads its topic; nobody falls over,
and what comes after is served as ever.
"""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest
import pytest_asyncio
from aiokafka import AIOKafkaProducer

from deploy.local.environments import SERVICES, Options
from deploy.local.supervisor import LocalSystem
from shared.contracts import banking
from shared.contracts.envelope import decode
from shared.contracts.http_binding import BATCH, SINGLE
from shared.contracts.schemas import example_event
from shared.contracts.topics import BY_NAME, TOPICS, Topic
from shared.vocabulary.errors import Rejected
from tests.e2e.doors import eventually
from tests.unit.contracts.hostile import FILES, STRINGS, needs_hostile
from tests.wire import Wire, send

pytestmark = [needs_hostile, pytest.mark.timeout(600)]

Place = tuple[str, int]
UNLIMITED = {
    "ARREARS_REJECTED_RUN_MAX": "1000000",
    "ARREARS_REJECTED_SHARE_MAX": "1",
}
"""The flood is what is wanted here: no shard is to stop for it."""
PARTITION = 0
LETTERS_A_PAGE = 1000
STRINGS_A_REQUEST = 500


@pytest_asyncio.fixture(scope="module")
async def system(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[LocalSystem]:
    """A system of this module's own: what lies on its topics would be in other tests' way."""
    options = Options(clock="simulated", durable=False, settings=UNLIMITED)
    async with LocalSystem(tmp_path_factory.mktemp("flooded"), options=options) as running:
        yield running


async def test_a_flood_of_hostile_records_is_told_apart_to_the_last(system: LocalSystem) -> None:
    pids = system.addresses.pids
    flood = {topic.name: list(_hostile(topic)) for topic in TOPICS}
    assert sum(map(len, flood.values())) > 8000
    for topic, records in flood.items():
        await send(system.addresses.kafka, topic, PARTITION, *_cut(records))
    async with httpx.AsyncClient(timeout=30) as http:
        await eventually(lambda: _has_read(system, http, flood), "the flood to be read", 300)
        for service in SERVICES:
            letters = await _letters(system, http, service)
            read = {name for name, topic in BY_NAME.items() if service in topic.consumers}
            assert all(letter["reason"] and letter["detail"] for letter in letters.values())
            assert {topic for topic, _ in letters} == read
            for topic in read:
                refused = {place for place, wire in enumerate(flood[topic]) if not _is_event(topic, wire)}
                found = {place for name, place in letters if name == topic}
                assert refused <= found, f"{service} lost {sorted(refused - found)[:5]} of {topic}"
                beyond = Counter(letters[topic, place]["reason"] for place in found - refused)
                assert set(beyond) <= {"unknown_policy", "database_refused"}, beyond
            assert (await http.get(system.addresses.http[service] + "/health/ready")).json()["stopped"] == []
    assert system.addresses.pids == pids, "a service fell over"


async def test_the_http_door_publishes_none_of_it(system: LocalSystem) -> None:
    url = system.addresses.http["ingest"] + "/events"
    async with httpx.AsyncClient(timeout=60) as http:
        for file in FILES:
            for media in (SINGLE, BATCH):
                answer = await http.post(url, content=file.read_bytes(), headers={"content-type": media})
                assert answer.status_code in (200, 422), (file.name, answer.text)
                assert answer.status_code == 422 or answer.json()["results"] == [], file.name
        naughty = [_customer(f"naughty-{n}", text) for n, text in enumerate(STRINGS)]
        for begin in range(0, len(naughty), STRINGS_A_REQUEST):
            body = json.dumps(naughty[begin : begin + STRINGS_A_REQUEST]).encode()
            answer = await http.post(url, content=body, headers={"content-type": BATCH})
            assert answer.status_code == 200, answer.text
            assert answer.json()["refused"] == 0


async def test_what_comes_after_the_flood_is_served(system: LocalSystem) -> None:
    await _publish(system, _opened("after-the-flood", "instalment"))
    async with httpx.AsyncClient(timeout=30) as http:
        await eventually(lambda: _is_open(system, http, "after-the-flood"), "an account opened after the flood", 60)


async def test_a_refused_account_is_opened_once_its_policy_is_put_right(system: LocalSystem) -> None:
    await _publish(system, _opened("mistaken", "instalmant"))
    door = system.addresses.http["ingest"] + "/dead-letters"
    async with httpx.AsyncClient(timeout=30) as http:

        async def refused() -> list[dict[str, Any]]:
            asked = {"reason": "unknown_policy", "state": "waiting"}
            found: list[dict[str, Any]] = (await http.get(door, params=asked)).json()["dead_letters"]
            return [letter for letter in found if not letter["tries"]]

        (letter,) = (await eventually(refused, "the account to be refused", 60))[-1:]
        act = {"actor": "ann", "reason": "a slip of core banking's", "payload": _opened("mistaken", "instalment")}
        asked = await http.post(f"{door}/{letter['id']}/redrive", json=act)
        assert asked.status_code == 202, asked.text
        await eventually(lambda: _is_open(system, http, "mistaken"), "the account to be opened", 60)
        shown = (await http.get(f"{door}/{letter['id']}")).json()
        assert (shown["state"], [entry["action"] for entry in shown["history"]]) == (
            "redriven",
            ["redrive", "accepted"],
        )


def _opened(account_id: str, policy: str) -> dict[str, Any]:
    event: dict[str, Any] = example_event(banking.AccountOpened) | {"id": f"{account_id} {policy}"}
    return event | {"data": event["data"] | {"account_id": account_id, "policy": policy, "classifications": []}}


async def _publish(system: LocalSystem, event: dict[str, Any]) -> None:
    async with AIOKafkaProducer(bootstrap_servers=system.addresses.kafka) as producer:
        key = event["data"]["account_id"].encode()
        await producer.send_and_wait("banking.accounts", json.dumps(event).encode(), key=key)


async def _is_open(system: LocalSystem, http: httpx.AsyncClient, account_id: str) -> bool:
    url = system.addresses.http["ingest"] + f"/accounts/{account_id}/delinquency"
    return (await http.get(url)).status_code == 200


def _hostile(topic: Topic) -> Iterator[Wire]:
    """Files, strings in the place of any field, events cut off and with bits turned, and odd headers."""
    good = [json.dumps(example_event(contract)).encode() for contract in topic.contracts]
    for file in FILES:
        yield b"k", file.read_bytes(), []
    for number, text in enumerate(STRINGS):
        event = example_event(topic.contracts[0])
        field = list(event["data"])[number % len(event["data"])]
        yield b"k", json.dumps(event | {"id": f"s{number}", "data": event["data"] | {field: {"x": text}}}).encode(), []
    for value in good:
        for length in range(0, len(value), 29):
            yield b"k", value[:length], []
        for place in range(0, len(value), 7):
            flipped = bytearray(value)
            flipped[place] ^= 0x80
            yield b"k", bytes(flipped), []
    yield None, None, []
    yield b"\xff", good[0][:-1], [(b"\xff\xfe", b"\x00"), (b"", None)]
    yield b"k", b"{}", [(b"ce_id", b"\xff"), (b"ce_specversion", None)]
    yield b"k", b"x" * 500_000, [(b"arrears-shard", b"\x00"), (b"arrears-seq", b"9" * 40)]


def _is_event(topic: str, wire: Wire) -> bool:
    _, value, headers = wire
    try:
        decode(topic, value, [(name.decode("utf-8", "surrogateescape"), raw) for name, raw in headers])
    except Rejected:
        return False
    return True


def _customer(customer_id: str, text: str) -> dict[str, Any]:
    event: dict[str, Any] = example_event(banking.CustomerUpdated)
    data = event["data"] | {"customer_id": customer_id, "name": text, "address": text}
    return event | {"id": customer_id, "data": data}


def _cut(records: list[Wire]) -> Iterator[list[Wire]]:
    """Batches that a broker takes: a megabyte at most."""
    batch: list[Wire] = []
    size = 0
    for record in records:
        if batch and size + len(record[1] or b"") > 700_000:
            yield batch
            batch, size = [], 0
        batch.append(record)
        size += len(record[1] or b"") + 100
    yield batch


async def _has_read(system: LocalSystem, http: httpx.AsyncClient, flood: dict[str, list[Wire]]) -> bool:
    for service in SERVICES:
        shards = (await http.get(system.addresses.http[service] + "/shards")).json()["shards"]
        for name, records in flood.items():
            topic = BY_NAME[name]
            if service not in topic.consumers:
                continue
            mine = [
                s["offsets"].get(name, 0) for s in shards if s["stream"] != "commands" and s["partition"] == PARTITION
            ]
            if max(mine, default=0) < len(records):
                return False
    return True


async def _letters(system: LocalSystem, http: httpx.AsyncClient, service: str) -> dict[Place, dict[str, Any]]:
    found: dict[Place, dict[str, Any]] = {}
    after: int | None = 0
    while after is not None:
        asked = {"limit": LETTERS_A_PAGE, "after": after}
        page = (await http.get(system.addresses.http[service] + "/dead-letters", params=asked)).json()
        found |= {(letter["topic"], letter["position"]): letter for letter in page["dead_letters"]}
        after = page["next_after"]
        await asyncio.sleep(0)
    return found
