"""The front doors of a running system, as its users have them: Kafka topics, HTTP APIs, the SMS gateway's window.

Nothing here looks behind them: no database, no service's code.
"""

import asyncio
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Final, Self, TypeVar

import httpx
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.structs import RecordMetadata

from shared.contracts.envelope import Event, decode
from shared.contracts.topics import TOPICS

PATIENCE_S: Final = 30.0
POLL_S: Final = 0.05
DERIVED: Final = tuple(topic.name for topic in TOPICS if topic.publisher != "core")
T = TypeVar("T")


@dataclass(frozen=True)
class Places:
    """Where a system is: a broker, a base URL for each service, the SMS gateway's."""

    kafka: str
    http: Mapping[str, str]
    sms_gateway: str


@dataclass(frozen=True)
class Message:
    """One record to publish."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...] = ()


async def eventually(check: Callable[[], Awaitable[T]], what: str | Callable[[], str], patience_s: float) -> T:
    """The first true answer; fails saying what did not come about. A service that is down is asked again."""
    deadline = time.monotonic() + patience_s
    while True:
        with suppress(httpx.TransportError, httpx.HTTPStatusError):
            if answer := await check():
                return answer
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {patience_s:g} s: {what if isinstance(what, str) else what()}")
        await asyncio.sleep(POLL_S)


class Doors:
    """`async with Doors(places) as doors`; what the services publish is heard from the beginning.

    `listens=False` hears nothing: for benches, which would measure the listener too.
    """

    def __init__(self, places: Places, patience_s: float = PATIENCE_S, *, listens: bool = True) -> None:
        self.places = places
        self.patience_s = patience_s
        self._listens = listens
        self._busy = ""
        self._events: dict[str, Event[Any]] = {}
        self._by_subject: dict[str, list[Event[Any]]] = defaultdict(list)

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as opening:
            self._client = await opening.enter_async_context(httpx.AsyncClient(timeout=10))
            self._producer = AIOKafkaProducer(bootstrap_servers=self.places.kafka, enable_idempotence=True, acks="all")
            opening.push_async_callback(self._producer.stop)
            await self._producer.start()
            self._consumer = AIOKafkaConsumer(bootstrap_servers=self.places.kafka, auto_offset_reset="earliest")
            opening.push_async_callback(self._consumer.stop)
            await self._consumer.start()
            self._partitions = await self._all_partitions()
            self._consumer.assign([place for place in self._partitions if place.topic in DERIVED])
            await self._consumer.seek_to_beginning()
            self._hearing = asyncio.create_task(self._hear())
            self._open = opening.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._hearing.cancel()
        await asyncio.gather(self._hearing, return_exceptions=True)
        await self._open.aclose()

    async def publish(self, messages: Iterable[Message]) -> list[RecordMetadata]:
        """Publish in this order; where each record lies."""
        sent = [
            await self._producer.send(m.topic, m.value, key=m.key, headers=list(m.headers) or None) for m in messages
        ]
        return list(await asyncio.gather(*sent))

    async def get(self, service: str, path: str, **query: Any) -> Any:
        """One service's answer as JSON; raises for anything but success."""
        response = await self._client.get(self.places.http[service] + path, params=query)
        return response.raise_for_status().json()

    async def texts(self, numbers: Iterable[str]) -> list[dict[str, Any]]:
        """The messages that the gateway took for these numbers."""
        wanted = set(numbers)
        shown = (await self._client.get(self.places.sms_gateway + "/messages")).raise_for_status().json()
        return [message for message in shown["messages"] if message["to"] in wanted]

    def heard(self, subjects: Iterable[str], *names: str) -> list[Event[Any]]:
        """The events about these subjects so far, in order, each once; of the named kinds where any is named."""
        found = [event for subject in subjects for event in self._by_subject[subject]]
        return [event for event in found if not names or type(event.data).__name__ in names]

    async def quiet(self) -> None:
        """Return when every service has read all there is, relayed all it emitted, and has nothing due."""
        await eventually(self._is_quiet_twice, lambda: f"a quiet system; {self._busy}", self.patience_s)
        if not self._listens:
            return
        heard = self._consumer.assignment()
        ends = await self._consumer.end_offsets(list(heard))
        await eventually(lambda: self._has_heard(ends), "the listener to hear everything", self.patience_s)

    async def _has_heard(self, ends: Mapping[TopicPartition, int]) -> bool:
        return all([await self._consumer.position(place) >= end for place, end in ends.items()])

    async def _is_quiet_twice(self) -> bool:
        before = await self._standing()
        return before is not None and before == await self._standing()

    async def _standing(self) -> Any:
        """Where everybody stands, None while somebody has work."""
        shown = (await self._client.get(self.places.sms_gateway + "/pending")).raise_for_status().json()
        if shown["pending"]:
            self._busy = f"the SMS gateway has {shown['pending']} receipts to deliver"
            return None
        ends = await self._consumer.end_offsets(self._partitions)
        standing = []
        for service in self.places.http:
            self._busy = f"{service} does not answer"
            shards = (await self.get(service, "/shards"))["shards"]
            progress = await self.get(service, "/progress")
            if busy := _at_work(progress, shards) or _unread(ends, service, shards):
                self._busy = f"{service} has {busy}"
                return None
            standing.append([(s["stream"], s["partition"], s["emitted"], s["offsets"]) for s in shards])
        self._busy = "it does not come to rest"
        return standing

    async def _all_partitions(self) -> list[TopicPartition]:
        admin = AIOKafkaAdminClient(bootstrap_servers=self.places.kafka)
        await admin.start()
        try:
            described = await admin.describe_topics([topic.name for topic in TOPICS])
        finally:
            await admin.close()
        return [TopicPartition(t["topic"], p["partition"]) for t in described for p in t["partitions"]]

    async def _hear(self) -> None:
        if not self._listens:
            return
        async for record in self._consumer:
            event = decode(record.topic, record.value, record.headers)
            known = self._events.setdefault(f"{event.source} {event.id}", event)
            assert known == event, f"{event.id} was published twice with another body"
            if known is event:
                subject = getattr(event.data, "customer_id", None) or str(event.subject)
                self._by_subject[subject].append(event)


def _at_work(progress: Mapping[str, Any], shards: Sequence[Mapping[str, Any]]) -> str:
    """What a service has yet to do with what it has read; empty when nothing."""
    owned = [shard for stream in progress["owned"].values() for shard in stream.values()]
    if any(shard["work"] for shard in owned) or any(progress["pending"].values()):
        return f"work: {progress['pending'] or 'in its shards'}"
    waiting = sum(shard["emitted"] - shard["relayed"] for shard in shards)
    return f"{waiting} events to relay" if waiting else ""


def _unread(ends: Mapping[TopicPartition, int], service: str, shards: Sequence[Mapping[str, Any]]) -> str:
    """The first partition that the service has not applied to its end; each shard reads all of a broadcast."""
    mine = {topic.name: topic for topic in TOPICS if service in topic.consumers}
    for place, end in ends.items():
        if place.topic not in mine:
            continue
        every = mine[place.topic].broadcast
        rows = [s for s in shards if s["stream"] != "commands" and (every or s["partition"] == place.partition)]
        read = [row["offsets"].get(place.topic, 0) for row in rows] or [-1]
        applied = min(read) if every else max(read)
        if applied < end:
            return f"{place.topic} {place.partition} applied to {applied} of {end}"
    return ""
