"""What one shard reads next: a batch of its own partitions, or the broadcast records that are due."""

import asyncio
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from heapq import merge
from typing import Any, Final

from aiokafka import TopicPartition
from aiokafka.errors import KafkaError

from shared.messaging.broadcast import Broadcast
from shared.messaging.decoding import decoded, decoded_all
from shared.messaging.reach import Bounds
from shared.messaging.stream import Received, Record, Refused

READ_MS: Final = 500
"""How long one read may wait; it bounds how late a gap at a partition's end (a transaction's marker) is noticed."""

CONFIRM_S: Final = 10.0


@dataclass(frozen=True, slots=True)
class Fetched:
    """Records to apply together; `first` is the expected offset a topic, `following` the next one after them."""

    records: Sequence[Received | Refused]
    first: Mapping[str, int]
    following: Mapping[str, int]


NOTHING: Final = Fetched((), {}, {})
Read = tuple[Sequence[Received | Refused], Mapping[TopicPartition, int]]
"""What was written, in that order, and where the consumer stands after them."""


def in_order_of_writing(found: Mapping[TopicPartition, Sequence[Any]]) -> Sequence[Any]:
    """aiokafka's records of several partitions as one sequence, by Kafka's timestamps: a bill before its repayment.

    The order within a partition stays; where instants are equal, topics come by their names. What is read together is
    all that can be put in order: facts may still come in any order.
    """
    batches = [found[tp] for tp in sorted(found) if found[tp]]
    if len(batches) == 1:
        return batches[0]
    return list(merge(*batches, key=lambda raw: raw.timestamp))


class Feed:
    """Reads the partitions of one shard from the group's consumer, and its share of the broadcasts.

    One batch is read and decoded ahead while another is applied, never more: that is the back-pressure.
    """

    def __init__(
        self, consumer: Any, partitions: Sequence[TopicPartition], broadcast: Broadcast | None, cap: int
    ) -> None:
        self._consumer = consumer
        self._partitions = list(partitions)
        self._broadcast = broadcast
        self._cap = cap
        self._next: dict[str, int] = {}
        self._reached: dict[TopicPartition, int] = {}
        self._reading: asyncio.Task[Read] | None = None
        self._woken = asyncio.Event()
        self._called_off = False
        self._resting = False
        self._failure: KafkaError | None = None
        self._due: deque[tuple[Record, Mapping[TopicPartition, int]]] = deque()

    async def seek(self, offsets: Mapping[str, int], bounds: Bounds) -> None:
        """Put the consumer where the shard's row is; where a topic begins that was never read."""
        await self.close()
        if self._resting:
            self._resting = False
            self._consumer.resume(*self._partitions)
        self._next = dict(offsets) | {tp.topic: offsets.get(tp.topic, 0) for tp in self._partitions}
        self._reached = {tp: self._next[tp.topic] for tp in self._partitions}
        for tp in self._partitions:
            first, _ = bounds.get(tp, (0, 0))
            self._consumer.seek(tp, self._next[tp.topic] or first)
        self._due.clear()
        self._failure = None
        if self._broadcast is not None:
            self._broadcast.join(self)

    async def bounds(self) -> Bounds:
        """What Kafka has of the shard's own partitions, and of the broadcast topics."""
        places = [*self._partitions, *(self._broadcast.places if self._broadcast is not None else ())]
        firsts = await self._consumer.beginning_offsets(places)
        ends = await self._consumer.end_offsets(places)
        return {tp: (firsts[tp], ends[tp]) for tp in places}

    async def confirm(self, offsets: Mapping[str, int]) -> None:
        """KafkaError or TimeoutError unless the group still counts our member in, with these partitions.

        Only a commit asks that. One who cannot hear the broker, or has been replaced, must not take the shard back: it
        could neither read nor relay, and who can would not know.
        """
        async with asyncio.timeout(CONFIRM_S):
            await self._consumer.commit({tp: offsets.get(tp.topic, 0) for tp in self._partitions})

    async def group_offsets(self) -> Mapping[str, int]:
        """By topic, how far Kafka was told that this shard is applied, by whichever member; 0 where it was not."""
        return {tp.topic: await self._consumer.committed(tp) or 0 for tp in self._partitions}

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
            self._woken.set()

    def fail(self, error: KafkaError) -> None:
        """What the broadcast topics should have for this shard next is not there: `next` raises it."""
        self._failure = error
        self._woken.set()

    def wake(self) -> None:
        """Have `next` return: there is something else to do, or an end."""
        self._called_off = True
        self._woken.set()

    async def rest(self, seconds: float) -> None:
        """Read nothing for a while; asking all the same shows the group that this member lives."""
        if not self._resting:
            self._resting = True
            await self.close()
            self._consumer.pause(*self._partitions)
        await self._consumer.getmany(*self._partitions, timeout_ms=int(seconds * 1000))

    async def next(self, stop: asyncio.Event, *, wait: bool) -> Fetched:
        """The next records; without `wait`, or when woken, possibly none."""
        if not wait:
            self._read_ahead()
            await asyncio.sleep(0)
        while not stop.is_set():
            self._woken.clear()
            if self._failure is not None:
                raise self._failure
            if (found := self._due_broadcast() or self._taken()) is not None:
                return found
            if not wait or self._called_off:
                break
            await self._woken.wait()
        self._called_off = False
        return NOTHING

    async def close(self) -> None:
        """Leave no read behind."""
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.gather(self._reading, return_exceptions=True)
            self._reading = None
        if self._broadcast is not None:
            self._broadcast.leave(self)

    def _read_ahead(self) -> asyncio.Task[Read]:
        if self._reading is None:
            self._reading = asyncio.create_task(self._read())
            self._reading.add_done_callback(lambda _: self._woken.set())
        return self._reading

    async def _read(self) -> Read:
        found = await self._consumer.getmany(*self._partitions, timeout_ms=READ_MS, max_records=self._cap)
        # Beyond the last record there may be offsets without one: transaction markers, what retention removed.
        reached = {tp: await self._consumer.position(tp) for tp in self._partitions}
        return await decoded_all(in_order_of_writing(found)), reached

    def _taken(self) -> Fetched | None:
        """What was read, if any; a next read is under way afterwards."""
        reading = self._read_ahead()
        if not reading.done():
            return None
        self._reading = None
        found, reached = reading.result()
        records = [one for one in found if one.record.offset >= self._next[one.record.topic]]
        topics = {one.record.topic for one in records}
        first = {topic: self._next[topic] for topic in topics}
        following = {tp.topic: end for tp, end in reached.items() if tp.topic in topics}
        self._next |= following
        self._reached = dict(reached)
        self._read_ahead()
        return Fetched(records, first, following) if records else self._due_broadcast()

    def _due_broadcast(self) -> Fetched | None:
        """All broadcast records of one topic whose barrier is passed, in order."""
        due: list[Record] = []
        while self._due and self._is_due(*self._due[0]) and (not due or due[0].topic == self._due[0][0].topic):
            due.append(self._due.popleft()[0])
        if not due:
            return None
        topic = due[0].topic
        first, following = self._next.get(topic, 0), due[-1].offset + 1
        self._next[topic] = following
        return Fetched([decoded(record) for record in due], {topic: first}, {topic: following})

    def _is_due(self, record: Record, after: Mapping[TopicPartition, int]) -> bool:
        return all(self._reached[tp] >= end for tp, end in after.items())
