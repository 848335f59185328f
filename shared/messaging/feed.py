"""What one shard reads next: a batch of its own partitions, or the broadcast records that are due.

A broadcast record (a business day's close) is a barrier: it is handed out only once the shard has applied everything
that lay on its own partitions when the record was seen. So what core banking published before the close is in it.
"""

import asyncio
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from shared.messaging import retry
from shared.messaging.stream import Record

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Fetched:
    """Records to apply together; `first` is the expected offset a topic, `following` the next one after them."""

    records: Sequence[Record]
    first: Mapping[str, int]
    following: Mapping[str, int]


NOTHING = Fetched((), {}, {})


class Feed:
    """Reads the partitions of one shard from the group's consumer, and its share of the broadcasts."""

    def __init__(
        self, consumer: AIOKafkaConsumer, partitions: Sequence[TopicPartition], broadcast: "Broadcast | None", cap: int
    ) -> None:
        self._consumer = consumer
        self._partitions = list(partitions)
        self._broadcast = broadcast
        self._cap = cap
        self._next: dict[str, int] = {}
        self._fetching: asyncio.Task[Mapping[TopicPartition, Sequence[Record]]] | None = None
        self._arrived = asyncio.Event()
        self._due: deque[tuple[Record, Mapping[TopicPartition, int]]] = deque()

    async def seek(self, offsets: Mapping[str, int]) -> None:
        """Put the consumer where the shard's row is; 0 for a topic never read."""
        await self.close()
        self._next = dict(offsets) | {tp.topic: offsets.get(tp.topic, 0) for tp in self._partitions}
        for tp in self._partitions:
            self._consumer.seek(tp, self._next[tp.topic])
        self._due.clear()
        if self._broadcast is not None:
            self._broadcast.join(self)

    @property
    def partitions(self) -> Sequence[TopicPartition]:
        """The shard's own partitions."""
        return self._partitions

    def wanted(self, topic: str) -> int:
        """The next offset of a broadcast topic to announce here."""
        waiting = [record.offset for record, _ in self._due if record.topic == topic]
        return waiting[-1] + 1 if waiting else self._next.get(topic, 0)

    def announce(self, record: Record, after: Mapping[TopicPartition, int]) -> None:
        """A broadcast record, due once this shard has applied up to `after`."""
        if record.offset >= self.wanted(record.topic):
            self._due.append((record, after))
            self._arrived.set()

    async def next(self, stop: asyncio.Event, *, wait: bool) -> Fetched:
        """The next records; without `wait`, or when asked to stop, possibly none."""
        while not stop.is_set():
            if fetched := self._due_broadcast():
                return fetched
            if self._fetching is None:
                self._fetching = asyncio.create_task(self._fetch())
            if not self._fetching.done():
                await self._wait(stop, 0 if not wait else None)
            if self._fetching.done():
                found = self._taken()
                if found.records:
                    return found
            if not wait:
                break
        return NOTHING

    async def close(self) -> None:
        """Leave no read behind."""
        if self._fetching is not None:
            self._fetching.cancel()
            await asyncio.gather(self._fetching, return_exceptions=True)
            self._fetching = None
        if self._broadcast is not None:
            self._broadcast.leave(self)

    async def _fetch(self) -> Mapping[TopicPartition, Sequence[Record]]:
        found = await self._consumer.getmany(*self._partitions, timeout_ms=1000, max_records=self._cap)
        return {tp: [record_of(r) for r in records] for tp, records in found.items()}

    def _taken(self) -> Fetched:
        assert self._fetching is not None
        found, self._fetching = self._fetching.result(), None
        first, following, records = {}, {}, []
        for tp, batch in found.items():
            fresh = [r for r in batch if r.offset >= self._next[tp.topic]]
            if fresh:
                first[tp.topic], following[tp.topic] = self._next[tp.topic], fresh[-1].offset + 1
                records += fresh
        self._next |= following
        return Fetched(records, first, following)

    def _due_broadcast(self) -> Fetched | None:
        """All broadcast records whose barrier is passed, in order."""
        due: list[Record] = []
        while self._due and all(self._next.get(tp.topic, 0) >= end for tp, end in self._due[0][1].items()):
            due.append(self._due.popleft()[0])
        if not due:
            self._arrived.clear()
            return None
        topic = due[0].topic
        first, following = self._next.get(topic, 0), due[-1].offset + 1
        self._next[topic] = following
        return Fetched(due, {topic: first}, {topic: following})

    async def _wait(self, stop: asyncio.Event, timeout_s: float | None) -> None:
        assert self._fetching is not None
        others = [asyncio.ensure_future(stop.wait()), asyncio.ensure_future(self._arrived.wait())]
        try:
            await asyncio.wait({self._fetching, *others}, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for other in others:
                other.cancel()


def record_of(raw: object) -> Record:
    """aiokafka's record as ours."""
    r = raw
    return Record(r.topic, r.partition, r.offset, r.key, r.value, r.headers)  # type: ignore[attr-defined]  # untyped


class Broadcast:
    """One reader of the broadcast topics of a process, shared by its shards."""

    def __init__(self, consumer: AIOKafkaConsumer, topics: Sequence[str]) -> None:
        self._consumer = consumer
        self._partitions = [TopicPartition(topic, 0) for topic in topics]
        self._feeds: set[Feed] = set()
        self._joining: set[Feed] = set()

    def join(self, feed: Feed) -> None:
        """Serve a shard from the offsets it wants, as of the reader's next round."""
        self._joining.add(feed)

    def leave(self, feed: Feed) -> None:
        """Serve it no longer."""
        self._feeds.discard(feed)
        self._joining.discard(feed)

    async def run(self, stop: asyncio.Event) -> None:
        """Announce each record to each shard with the barrier it has to pass."""
        waits = retry.backoff_s()
        while not stop.is_set():
            try:
                await self._admit()
                await self._round()
                waits = retry.backoff_s()
            except KafkaError as error:
                log.warning("broadcast_waits", error=type(error).__name__)
                self._joining |= self._feeds
                await retry.sleep_unless(stop, next(waits))

    async def _admit(self) -> None:
        """Take in new shards between two reads, so that what they get next is gapless from what they want."""
        if not self._joining:
            return
        for tp in self._partitions:
            wanted = min(feed.wanted(tp.topic) for feed in self._joining)
            if await self._consumer.position(tp) > wanted:
                self._consumer.seek(tp, wanted)
        self._feeds |= self._joining
        self._joining.clear()

    async def _round(self) -> None:
        found = await self._consumer.getmany(timeout_ms=100)
        records = [record_of(r) for batch in found.values() for r in batch]
        if not records or not self._feeds:
            return
        ends = await self._consumer.end_offsets([tp for feed in self._feeds for tp in feed.partitions])
        for feed in list(self._feeds):
            after = {tp: ends[tp] for tp in feed.partitions}
            for record in records:
                feed.announce(record, after)
