"""The service whole, on real Kafka and PostgreSQL: records in, answers out, stopped and started in between."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from sqlalchemy import text

from deploy.local.ports import free_port
from deploy.topics import create_topics
from services.reporting.app import compose
from services.reporting.consumer import STREAMS
from services.reporting.settings import ReportingSettings
from shared.contracts.envelope import encode
from shared.contracts.fields import Contract
from shared.contracts.topics import TOPIC_OF
from shared.messaging import ShardId, store
from shared.messaging.stream import SEQ_HEADER, SOURCE_HEADER
from shared.messaging.transaction import partition_of
from shared.runtime import database as runtime
from shared.runtime.process import Process
from tests.integration.reporting import story
from tests.waiting import until

PARTITIONS = 2
AT = datetime(2026, 1, 1, tzinfo=UTC)


class Live:
    """Copies of reporting on one database, and a producer that speaks for core banking and ingest."""

    def __init__(self, kafka: str, url: str, producer: AIOKafkaProducer) -> None:
        self.port = free_port()
        self._producer = producer
        self._sent: dict[tuple[int, int], int] = {}
        self._ends: dict[tuple[str, int], int] = {}
        self._settings = ReportingSettings(
            environment="local", kafka_bootstrap=kafka, database_url=url, http_port=self.port, session_timeout_s=3
        )
        self._name = f"reporting-{uuid.uuid4().hex[:8]}"
        self._running: tuple[Process, asyncio.Task[None]] | None = None

    def start(self) -> None:
        process = Process(replace(compose(self._settings), name=self._name), self._settings)
        self._running = process, asyncio.create_task(process.run())

    async def stop(self) -> None:
        if self._running is not None:
            process, task = self._running
            process.stop()
            await task
            self._running = None

    async def tell(self, day: Any, times: int = 1) -> None:
        """Ingest's statuses of a day; told again they carry the same sequence, as a relay repeats itself."""
        for partition, source, events in story.lanes(day):
            begun = self._sent.get((partition, source), 0)
            for _ in range(times):
                for seq, event in enumerate(events, begun + 1):
                    headers = [(SOURCE_HEADER, f"ingest.accounts.{source}".encode()), (SEQ_HEADER, b"%d" % seq)]
                    await self.send(event, partition, headers)
            self._sent[partition, source] = begun + len(events)

    async def send(self, event: Contract, partition: int, headers: Any = ()) -> None:
        value = encode(event, event_id="e", source="test", subject=None, time=AT)
        await self._send(TOPIC_OF[type(event)].name, value, partition, headers)

    async def send_garbage(self) -> None:
        await self._send("banking.accounts", b"not json", partition=0)

    async def _send(self, topic: str, value: bytes, partition: int, headers: Any = ()) -> None:
        sent = await self._producer.send_and_wait(topic, value, partition=partition, headers=headers)
        self._ends[topic, partition] = sent.offset + 1

    async def get(self, path: str) -> Any:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{self.port}") as http:
            try:
                return (await http.get(path)).json()
            except httpx.TransportError:
                return {}  # not up yet: asked again until patience ends

    async def closed(self, day: str) -> None:
        async def reached() -> bool:
            return bool((await self.get("/portfolio")).get("business_date") == day)

        await until(reached, f"{day} closed in the report")

    async def accounts_read(self) -> None:
        """The accounts come by a stream of their own, which no day's end waits for."""

        async def reached() -> bool:
            owned = (await self.get("/progress")).get("owned", {}).get("accounts", {})
            read = {int(partition): shard["offsets"].get("banking.accounts", 0) for partition, shard in owned.items()}
            return all(read.get(n, 0) >= self._ends["banking.accounts", n] for n in range(PARTITIONS))

        await until(reached, "all accounts read")


@pytest.fixture
async def live(kafka: str, reporting_url: str) -> AsyncIterator[Live]:
    await create_topics(kafka, PARTITIONS)
    await begin_here(kafka, reporting_url)
    producer = AIOKafkaProducer(bootstrap_servers=kafka)
    await producer.start()
    live = Live(kafka, reporting_url, producer)
    try:
        yield live
    finally:
        await live.stop()
        await producer.stop()


async def begin_here(kafka: str, url: str) -> None:
    """Other tests share the topics: this store begins behind what they left."""
    consumer = AIOKafkaConsumer(bootstrap_servers=kafka)
    await consumer.start()
    engine = runtime.engine_of(url, 2)
    async with engine.begin() as connection:
        for stream in STREAMS:
            for partition in range(PARTITIONS):
                ends = await consumer.end_offsets([TopicPartition(topic, partition) for topic in stream.topics])
                shard = ShardId(stream.name, partition)
                await store.ensure(connection, shard)
                state = await store.lock(connection, shard)
                state.offsets = {place.topic: offset for place, offset in ends.items()}
                await store.move(connection, shard, state.next_seq, state, [])
    await engine.dispose()
    await consumer.stop()


async def test_figures_survive_repeats_restarts_and_bad_records(live: Live, reporting_url: str) -> None:
    live.start()
    await live.send_garbage()
    for account in story.ACCOUNTS:
        await live.send(account, partition_of(account.account_id.encode(), PARTITIONS))
    await live.tell(story.JANUARY, times=2)
    await live.closed("2026-01-30")
    await live.stop()
    await live.tell(story.EARLY)
    await live.tell(story.FEBRUARY, times=2)
    live.start()
    await live.tell(story.MARCH)
    await live.closed("2026-03-02")
    await live.accounts_read()
    answer = await live.get("/portfolio")
    figures = [(r["state"], r["bucket"], r["accounts"], r["arrears_amount"]) for r in answer["now"]]
    assert figures == [
        ("closed", "current", 1, "0.00"),
        ("open", "current", 4, "0.00"),
        ("open", "1-29", 1, "80.00"),
        ("written-off", "60-89", 1, "50.00"),
        ("open", "current", 1, "0"),
    ]
    matrix = (await live.get("/metrics/roll_matrix?currency=EUR"))["rows"]
    assert [(r["from_bucket"], r["to_bucket"], r["rate_accounts"]) for r in matrix][1:3] == [
        ("current", "current", 0.5),
        ("current", "1-29", 0.5),
    ]
    letters = (await live.get("/dead-letters"))["dead_letters"]
    assert [letter["reason"] for letter in letters] == ["not_json"]
    async with httpx.AsyncClient() as http:
        prometheus = await http.get(f"http://127.0.0.1:{live.port}/metrics")
    assert "arrears_records_total" in prometheus.text
    assert await duplicates(reporting_url) == 0


async def duplicates(url: str) -> int:
    """Redelivered statuses that got past the loop's watermarks."""
    engine = runtime.engine_of(url, 1)
    async with engine.connect() as connection:
        found = await connection.execute(text("SELECT sum((counters->>'duplicate')::int) FROM shard"))
        count = found.scalar()
    await engine.dispose()
    return int(count or 0)
