"""The whole service as its users run it: statuses on Kafka in, treatments on Kafka out, killed in between."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

import httpx
import orjson
import pytest
import pytest_asyncio
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from deploy.local.ports import free_port
from deploy.topics import create_topics
from shared.contracts.collections import ContactRequested
from shared.contracts.envelope import decode, encode
from shared.contracts.fields import Contract
from shared.contracts.topics import TOPIC_OF
from shared.messaging.transaction import partition_of
from tests.conftest import DatabaseFactory
from tests.integration.strategy.events import MONDAY, aged, at, attempted, cured, day, entered, promised
from tests.programs import program
from tests.schemas import migrated

PARTITIONS = 2
OUT = ("collections.cases", "collections.treatments")
PATIENCE_S = 60


@pytest.fixture(scope="module")
def kafka(own_kafka: str) -> str:
    """What other tests left on the topics would be read here too."""
    return own_kafka


class Broker:
    """Publishes as ingest and contact do, and collects what strategy says of some customers.

    After a kill the relay may repeat itself: as every consumer does, this one drops what it has seen.
    """

    def __init__(self, bootstrap: str) -> None:
        self.bootstrap = bootstrap
        self.heard: list[Any] = []
        self._seen: set[str] = set()
        self._sent = 0
        self._producer = AIOKafkaProducer(bootstrap_servers=bootstrap)
        self._consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap)

    async def __aenter__(self) -> "Broker":
        await self._producer.start()
        await self._consumer.start()
        places = [TopicPartition(topic, n) for topic in OUT for n in range(PARTITIONS)]
        self._consumer.assign(places)
        await self._consumer.seek_to_end(*places)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._producer.stop()
        await self._consumer.stop()

    async def send(self, *events: Contract, when: datetime) -> None:
        """One record each to the customer's partition; what has no customer goes to every partition."""
        for event in events:
            customer = getattr(event, "customer_id", None)
            for partition in range(PARTITIONS) if customer is None else [partition_of(customer.encode(), PARTITIONS)]:
                await self._send(event, partition, when)

    async def hear(self, customers: set[str], wanted: int) -> Sequence[str]:
        """Wait until so many events of these customers have been published; their kinds, all so far."""
        async with asyncio.timeout(PATIENCE_S):
            while len(self.heard) < wanted:
                for records in (await self._consumer.getmany(timeout_ms=200)).values():
                    for event in (decode(r.topic, r.value, r.headers) for r in records):
                        if event.data.customer_id in customers and event.id not in self._seen:
                            self._seen.add(event.id)
                            self.heard.append(event.data)
        return [type(event).__name__ for event in self.heard]

    async def _send(self, event: Contract, partition: int, when: datetime) -> None:
        self._sent += 1
        value = encode(event, event_id=str(self._sent), source="test", subject=None, time=when)
        await self._producer.send_and_wait(TOPIC_OF[type(event)].name, value, partition=partition)


@asynccontextmanager
async def running(url: str, bootstrap: str, port: int) -> AsyncIterator[asyncio.subprocess.Process]:
    """`python -m services.strategy` until the block ends."""
    settings = {
        "ARREARS_DATABASE_URL": url,
        "ARREARS_KAFKA_BOOTSTRAP": bootstrap,
        "ARREARS_HTTP_PORT": str(port),
        "ARREARS_SESSION_TIMEOUT_S": "6",
    }
    async with program("strategy", settings) as started:
        yield started


@pytest_asyncio.fixture
async def url(database: DatabaseFactory) -> str:
    """A migrated schema."""
    return await migrated("strategy", database)


async def test_a_case_over_kafka_survives_a_kill(kafka: str, url: str) -> None:
    await create_topics(kafka, PARTITIONS)
    customers = {f"process-{n}" for n in range(6)}
    port = free_port()
    async with Broker(kafka) as broker:
        async with running(url, kafka, port) as first:
            await broker.send(*(entered(one, 1, MONDAY, dpd=3) for one in sorted(customers)), when=at(MONDAY))
            await broker.send(aged(MONDAY, 0, 2), aged(MONDAY, 1, 2), when=at(MONDAY))
            kinds = await broker.hear(customers, 4 * len(customers))
            assert sorted(set(kinds)) == ["CaseOpened", "ContactRequested", "StrategyAssigned", "TreatmentDecided"]
            first.kill()
        # What was sent while nobody listened: the news of it, and only then the cures.
        for one in [e for e in broker.heard if isinstance(e, ContactRequested)]:
            await broker.send(attempted(one.customer_id, one.contact_id, one.case_id, day(1)), when=at(day(1)))
        async with running(url, kafka, port) as second:
            for customer in customers:
                await _until_contacted(port, customer)
            await broker.send(*(cured(one, 2, day(1)) for one in sorted(customers)), when=at(day(1)))
            await broker.send(aged(day(1), 1, 2), aged(day(1), 0, 2), when=at(day(1)))
            kinds = await broker.hear(customers, 5 * len(customers))
            assert kinds.count("CaseClosed") == len(customers)
            assert len(kinds) == 5 * len(customers), "nothing twice, nothing withdrawn that was sent"
            case = await _get(port, f"/cases/{min(customers)}")
            assert (case["state"], case["closed_because"]) == ("closed", "cured")
            assert case["decisions"][0]["state"] == "attempted"
        assert second.returncode == 0, "SIGTERM is an orderly end"


async def test_a_promise_withdraws_over_kafka(kafka: str, url: str) -> None:
    await create_topics(kafka, PARTITIONS)
    # A day is decided once: the story before this one closed the first days of the same database.
    one, today = "process-promising", day(21)
    async with Broker(kafka) as broker, running(url, kafka, free_port()):
        await broker.send(entered(one, 1, today, dpd=3), aged(today), when=at(today))
        await broker.hear({one}, 4)
        await broker.send(promised(one, day(22), day(26)), when=at(day(22)))
        kinds = await broker.hear({one}, 5)
        assert kinds[-1] == "ContactWithdrawn"


async def _until_contacted(port: int, customer: str) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while True:
            with contextlib.suppress(httpx.ConnectError):
                case = await _get(port, f"/cases/{customer}")
                if case["decisions"][0]["state"] == "attempted":
                    return
            await asyncio.sleep(0.1)


async def _get(port: int, path: str) -> dict[str, Any]:
    async with httpx.AsyncClient() as client:
        answer = await client.get(f"http://127.0.0.1:{port}{path}")
    found: dict[str, Any] = orjson.loads(answer.content)
    return found
