"""What a shard reads next: batches, barriers, gaps in the offsets, and seeks while a read is under way."""

import asyncio
from typing import Any, NamedTuple

from aiokafka import TopicPartition

from shared.messaging.feed import NOTHING, Feed, in_order_of_writing
from shared.messaging.stream import Record

PLACE = TopicPartition("banking.billing", 0)
CALENDAR = "banking.calendar"


class Consumer:
    """Offsets of one partition; `log` maps an offset to a value, offsets without one are gaps."""

    def __init__(self) -> None:
        self.log: dict[int, bytes] = {}
        self.end = 0
        self.at = 0
        self.grown = asyncio.Event()

    def put(self, *values: bytes, gap: int = 0) -> None:
        for value in values:
            self.log[self.end] = value
            self.end += 1
        self.end += gap
        self.grown.set()

    def seek(self, place: TopicPartition, offset: int) -> None:
        self.at = offset

    async def position(self, place: TopicPartition) -> int:
        return self.at

    async def getmany(self, *places: TopicPartition, timeout_ms: int, max_records: int) -> dict[TopicPartition, Any]:
        while self.at >= self.end:
            self.grown.clear()
            await self.grown.wait()
        offsets = [n for n in sorted(self.log) if n >= self.at][:max_records]
        self.at = offsets[-1] + 1 if len(offsets) == max_records else self.end
        return {PLACE: [Record(PLACE.topic, 0, n, None, self.log[n]) for n in offsets]} if offsets else {}


def closing(offset: int) -> Record:
    return Record(CALENDAR, 0, offset, None, b"close")


async def started(consumer: Consumer, offsets: dict[str, int] | None = None, cap: int = 100) -> Feed:
    feed = Feed(consumer, [PLACE], None, cap)
    await feed.seek(offsets or {}, {})
    return feed


async def test_batches_follow_one_another_without_gap() -> None:
    consumer, stop = Consumer(), asyncio.Event()
    consumer.put(b"a", b"b", b"c")
    feed = await started(consumer, cap=2)
    first, second = await feed.next(stop, wait=True), await feed.next(stop, wait=True)
    assert (first.first, first.following) == ({PLACE.topic: 0}, {PLACE.topic: 2})
    assert (second.first, second.following) == ({PLACE.topic: 2}, {PLACE.topic: 3})
    await feed.close()


async def test_a_broadcast_waits_for_its_barrier_and_comes_once() -> None:
    consumer, stop = Consumer(), asyncio.Event()
    feed = await started(consumer, {CALENDAR: 4})
    feed.announce(closing(3), {PLACE: 0})
    feed.announce(closing(4), {PLACE: 2})
    feed.announce(closing(4), {PLACE: 2})
    assert await feed.next(stop, wait=False) is NOTHING
    consumer.put(b"a", b"b")
    facts, close = await feed.next(stop, wait=True), await feed.next(stop, wait=True)
    assert [r.record.value for r in facts.records] == [b"a", b"b"]
    assert [r.record.offset for r in close.records] == [4]
    assert (close.first, close.following) == ({CALENDAR: 4}, {CALENDAR: 5})
    await feed.close()


async def test_a_barrier_at_a_gap_is_passed_without_a_record() -> None:
    """Transaction markers and what retention removed leave offsets that no record will ever have."""
    consumer, stop = Consumer(), asyncio.Event()
    consumer.put(b"a", gap=1)
    feed = await started(consumer)
    facts = await feed.next(stop, wait=True)
    assert facts.following == {PLACE.topic: 2}
    feed.announce(closing(0), {PLACE: 3})
    consumer.put(gap=1)
    close = await asyncio.wait_for(feed.next(stop, wait=True), 5)
    assert [r.record.topic for r in close.records] == [CALENDAR]
    assert close.first == {CALENDAR: 0}
    await feed.close()


async def test_a_seek_while_a_read_is_under_way_forgets_what_it_brings() -> None:
    consumer, stop = Consumer(), asyncio.Event()
    feed = await started(consumer)
    assert await feed.next(stop, wait=False) is NOTHING
    consumer.put(b"a", b"b", b"c")
    await feed.seek({PLACE.topic: 1}, {})
    found = await feed.next(stop, wait=True)
    assert [r.record.value for r in found.records] == [b"b", b"c"]
    assert found.first == {PLACE.topic: 1}
    await feed.close()


async def test_waiting_ends_when_asked_to_stop() -> None:
    consumer, stop = Consumer(), asyncio.Event()
    feed = await started(consumer)
    waiting = asyncio.create_task(feed.next(stop, wait=True))
    await asyncio.sleep(0)
    stop.set()
    feed.wake()
    assert await asyncio.wait_for(waiting, 5) is NOTHING
    await feed.close()


async def test_a_shard_that_waits_for_records_can_be_called_to_other_work() -> None:
    consumer, stop = Consumer(), asyncio.Event()
    feed = await started(consumer)
    waiting = asyncio.create_task(feed.next(stop, wait=True))
    await asyncio.sleep(0)
    feed.wake()
    assert await asyncio.wait_for(waiting, 5) is NOTHING
    consumer.put(b"a")
    assert [r.record.value for r in (await asyncio.wait_for(feed.next(stop, wait=True), 5)).records] == [b"a"]
    await feed.close()


class Raw(NamedTuple):
    value: str
    timestamp: int


def test_records_of_several_topics_come_in_the_order_of_their_writing() -> None:
    repayments = [Raw("repaid", 2), Raw("stamped too early by its client", 1), Raw("reversed", 5)]
    bills = [Raw("billed", 2), Raw("adjusted", 4)]
    found = {TopicPartition("banking.repayments", 0): repayments, TopicPartition("banking.billing", 0): bills}
    assert [raw.value for raw in in_order_of_writing(found)] == [
        "billed",
        "repaid",
        "stamped too early by its client",
        "adjusted",
        "reversed",
    ]


def test_nothing_read_is_nothing_in_order() -> None:
    assert list(in_order_of_writing({TopicPartition("banking.billing", 0): []})) == []
