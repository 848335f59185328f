"""`POST /events`: what is answered as published is in Kafka, once, whatever is sent again or breaks in between."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
import pytest_asyncio
from aiokafka import AIOKafkaConsumer, TopicPartition

from deploy.local.kafka import KafkaServer
from deploy.local.ports import free_port
from deploy.local.program import Child
from deploy.topics import create_topics
from services.ingest.app import compose
from services.ingest.settings import Settings
from shared.contracts import banking
from shared.contracts.http_binding import BATCH, SINGLE
from shared.contracts.schemas import example_event
from shared.messaging.transaction import partition_of
from shared.runtime.process import Process
from tests.conftest import DatabaseFactory
from tests.schemas import migrate
from tests.waiting import until

PARTITIONS = 2
KEYED = [TopicPartition(f"banking.{name}", n) for name in ("billing", "customers") for n in range(PARTITIONS)]
PLACES = [*KEYED, TopicPartition("banking.calendar", 0)]


@dataclass
class Broker:
    """A Kafka of the test's own, to be taken away."""

    server: KafkaServer
    child: Child | None = None

    async def start(self) -> None:
        self.child = await self.server.start()

    async def stop(self) -> None:
        if self.child is not None:
            self.child.kill()
            await self.child.wait()
            self.child = None

    async def records(self) -> list[Any]:
        """Everything on the places, in order of each partition."""
        async with AIOKafkaConsumer(bootstrap_servers=self.server.bootstrap, auto_offset_reset="earliest") as consumer:
            consumer.assign(PLACES)
            ends = await consumer.end_offsets(PLACES)
            found: list[Any] = []
            for place in PLACES:
                while await consumer.position(place) < ends[place]:
                    found += (await consumer.getmany(place, timeout_ms=200)).get(place, [])
        return found

    async def ids(self) -> list[str]:
        return sorted(json.loads(record.value)["id"] for record in await self.records())


@pytest_asyncio.fixture(scope="module")
async def broker(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Broker]:
    folder = tmp_path_factory.mktemp("kafka-of-the-door")
    own = Broker(KafkaServer(folder / "kafka", folder / "kafka.log"))
    await own.start()
    await create_topics(own.server.bootstrap, PARTITIONS)
    yield own
    await own.stop()


@pytest_asyncio.fixture(scope="module")
async def settings(broker: Broker, database: DatabaseFactory) -> Settings:
    url = await database("ingest")
    await migrate("ingest", url)
    values: dict[str, Any] = {
        "environment": "local",
        "kafka_bootstrap": broker.server.bootstrap,
        "database_url": url,
        "http_port": free_port(),
        "events_patience_s": 1,
        "http_body_bytes_max": 400_000,
        "events_max": 20,
    }
    return Settings(**values)


@asynccontextmanager
async def _ingest(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    """Ingest's API alone; cut off at the end of the block, as a crash would."""
    process = asyncio.create_task(Process(compose(settings), settings, "api").run())
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{settings.http_port}", timeout=30) as client:
        try:
            await until(lambda: _answers(client), "ingest to be ready")
            yield client
        finally:
            process.cancel()
            with suppress(BaseException):
                await process


async def _answers(client: httpx.AsyncClient) -> bool:
    with suppress(httpx.TransportError):
        return (await client.get("/health/ready")).status_code == 200
    return False


def _bill(number: str, **data: Any) -> dict[str, Any]:
    event: dict[str, Any] = example_event(banking.BillIssued) | {"id": number}
    return event | {"data": event["data"] | {"bill_id": number} | data}


async def _post(client: httpx.AsyncClient, body: Any, media: str = SINGLE, **headers: str) -> httpx.Response:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    told = {"content-type": media} | {name.replace("_", "-"): value for name, value in headers.items()}
    return await client.post("/events", content=content, headers=told)


async def test_events_in_every_form_are_in_kafka_once_they_are_acknowledged(broker: Broker, settings: Settings) -> None:
    async with _ingest(settings) as client:
        first = await _post(client, _bill("single"))
        assert (first.status_code, first.json()["results"][0]["status"]) == (200, "published")
        assert "single" in await broker.ids()
        customer = example_event(banking.CustomerUpdated) | {"id": "customer"}
        day = example_event(banking.BusinessDayClosed) | {"id": "day"}
        batch = [
            _bill("b1"),
            _bill("b2", amount="a lot"),
            "x",
            customer,
            day,
            {"type": "arrears.status.RepaymentApplied.v1"},
        ]
        answer = await _post(client, batch, BATCH)
        results = answer.json()["results"]
        assert (answer.status_code, answer.json()["published"], answer.json()["refused"]) == (207, 3, 3)
        assert [one["index"] for one in results] == list(range(6))
        said = [one.get("reason", one["status"]) for one in results]
        assert said == ["published", "not_an_object", "not_cloudevents", "published", "published", "unknown_type"]
        event = _bill("binary")
        attributes = {f"ce_{name}": value for name, value in event.items() if name not in ("data", "datacontenttype")}
        binary = await _post(client, event["data"], "application/json", **attributes)
        assert binary.status_code == 200
        nothing = await _post(client, [_bill("no", amount=1)], BATCH)
        assert nothing.status_code == 422
    records = await broker.records()
    assert sorted(json.loads(record.value)["id"] for record in records) == ["b1", "binary", "customer", "day", "single"]
    for record in records:
        assert record.key is None or record.partition == partition_of(record.key, PARTITIONS)
    keys = {json.loads(record.value)["id"]: record.key for record in records}
    assert keys["b1"] == _bill("b1")["data"]["account_id"].encode()
    assert (keys["customer"], keys["day"]) == (customer["data"]["customer_id"].encode(), None)


async def test_the_same_request_is_published_once_and_a_key_belongs_to_one_request(
    broker: Broker, settings: Settings
) -> None:
    async with _ingest(settings) as client:
        asked = [_post(client, _bill("once"), idempotency_key="k-1") for _ in range(5)]
        answers = await asyncio.gather(*asked)
        assert {(one.status_code, one.text) for one in answers} == {(200, answers[0].text)}
        other = await _post(client, _bill("other"), idempotency_key="k-1")
        assert (other.status_code, other.json()["title"]) == (409, "idempotency_key_conflict")
        # Without a key a request is known by its content.
        assert [(await _post(client, _bill("keyless"))).status_code for _ in range(2)] == [200, 200]
        assert (await _post(client, _bill("x"), idempotency_key="k" * 201)).status_code == 422
    assert [i for i in await broker.ids() if i in ("once", "other", "keyless", "x")] == ["keyless", "once"]


async def test_a_broker_that_is_away_is_said_and_nothing_is_lost(broker: Broker, settings: Settings) -> None:
    async with _ingest(settings) as client:
        assert (await _post(client, _bill("before"))).status_code == 200
        await broker.stop()
        refused = await _post(client, _bill("away"), idempotency_key="k-2")
        assert (refused.status_code, refused.json()["title"]) == (503, "unavailable")
        assert int(refused.headers["retry-after"]) > 0
    # The process is gone too, without goodbye; what it had taken in is in the outbox.
    await broker.start()
    async with _ingest(settings) as client:

        async def acknowledged() -> bool:
            return (await _post(client, _bill("away"), idempotency_key="k-2")).status_code == 200

        await until(acknowledged, "the same request to be acknowledged", patience_s=60)
    # A relay cut off between sending and hearing of it sends again: one event by its id, to whoever reads it.
    assert {i for i in await broker.ids() if i in ("before", "away")} == {"away", "before"}


async def test_too_much_at_once_is_refused_before_anything_is_kept(broker: Broker, settings: Settings) -> None:
    had = await broker.ids()
    async with _ingest(settings) as client:
        for body, media, status in (
            ([_bill(f"m{n}") for n in range(21)], BATCH, 413),
            (b'"' + b"x" * 400_000 + b'"', SINGLE, 413),
            (b"[" * 100_000, BATCH, 422),
            (_bill("xml"), "application/xml", 415),
            (_bill("large", kind="x" * 270_000), SINGLE, 422),
        ):
            answer = await _post(client, body, media)
            assert answer.status_code == status, answer.text
    tight = settings.model_copy(update={"events_waiting_max": 0})
    async with _ingest(tight) as client:
        await broker.stop()
        assert (await _post(client, _bill("w1"))).status_code == 503
        held: Mapping[str, Any] = (await client.get("/progress")).json()["commands"]
        assert (await _post(client, _bill("w2"))).status_code == 503
        assert (await client.get("/progress")).json()["commands"] == held
    await broker.start()
    async with _ingest(settings) as client:
        assert (await _post(client, _bill("after"))).status_code == 200
    assert await broker.ids() == sorted([*had, "w1", "after"])
