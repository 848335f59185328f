"""Shards that come and go while the reader of the broadcast topics is being put where they want it."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from aiokafka import TopicPartition
from aiokafka.errors import KafkaError, OffsetOutOfRangeError

from shared.messaging.broadcast import Broadcast
from shared.messaging.stream import Record
from tests.waiting import until

CALENDAR = "banking.calendar"
DAYS = TopicPartition(CALENDAR, 0)
OWN = TopicPartition("banking.billing", 0)


class Reader:
    """Days by their offsets, from `first` on; asked for that, it answers once it may."""

    def __init__(self, first: int, end: int) -> None:
        self.first, self.end = first, end
        self.at: int | None = None
        self.may_answer = asyncio.Event()

    async def start(self) -> None:
        """It is up."""

    async def stop(self) -> None:
        """It has nothing to close."""

    async def beginning_offsets(self, places: Sequence[TopicPartition]) -> Mapping[TopicPartition, int]:
        await self.may_answer.wait()
        return dict.fromkeys(places, self.first)

    async def end_offsets(self, places: Sequence[TopicPartition]) -> Mapping[TopicPartition, int]:
        return dict.fromkeys(places, 0)

    async def position(self, place: TopicPartition) -> int:
        assert self.at is not None, "it would wait for ever"
        return self.at

    def seek(self, place: TopicPartition, offset: int) -> None:
        self.at = offset

    async def getmany(self, *, timeout_ms: int) -> Mapping[TopicPartition, Sequence[Any]]:
        assert self.at is not None, "it would be told that there is no offset"
        await asyncio.sleep(0.001)
        if not self.first <= self.at <= self.end:
            raise OffsetOutOfRangeError({DAYS: self.at})
        found = [Record(CALENDAR, 0, n, None, b"") for n in range(self.at, self.end)]
        self.at = self.end
        return {DAYS: found}


class Shard:
    """What a shard's feed hears."""

    partitions = (OWN,)

    def __init__(self, wants: int = 0) -> None:
        self.wants = wants
        self.heard: list[int] = []
        self.failed = asyncio.Event()

    def wanted(self, topic: str) -> int:
        return self.wants

    def announce(self, record: Record, after: Mapping[TopicPartition, int]) -> None:
        if record.offset >= self.wants:
            self.heard.append(record.offset)
            self.wants = record.offset + 1

    def fail(self, error: KafkaError) -> None:
        self.failed.set()


@asynccontextmanager
async def _running(reader: Reader) -> Any:
    stop, broadcast = asyncio.Event(), Broadcast(lambda: reader, [CALENDAR])
    running = asyncio.create_task(broadcast.run(stop))
    try:
        yield broadcast
    finally:
        stop.set()
        reader.may_answer.set()
        await running


async def _heard(shard: Shard, offsets: list[int]) -> None:
    await until(lambda: shard.heard == offsets, f"days {offsets} to be heard", patience_s=10, pause_s=0.001)


async def test_a_shard_that_leaves_while_it_is_admitted_is_passed_over() -> None:
    reader, gone, stays = Reader(2, 5), Shard(), Shard(3)
    async with _running(reader) as broadcast:
        broadcast.join(gone)
        await asyncio.sleep(0.3)
        broadcast.leave(gone)
        reader.may_answer.set()
        await asyncio.sleep(0.01)
        broadcast.join(stays)
        await _heard(stays, [3, 4])
    assert gone.heard == []


async def test_a_later_shard_that_is_further_behind_has_the_reader_put_back_and_nobody_hears_twice() -> None:
    reader, ahead, behind = Reader(2, 5), Shard(4), Shard()
    reader.may_answer.set()
    async with _running(reader) as broadcast:
        broadcast.join(ahead)
        await _heard(ahead, [4])
        broadcast.join(behind)
        await _heard(behind, [2, 3, 4])
        reader.end = 6
        await _heard(ahead, [4, 5])
        await _heard(behind, [2, 3, 4, 5])


async def test_who_wants_what_is_not_there_is_told_and_let_go() -> None:
    reader, lost = Reader(0, 3), Shard(9)
    reader.may_answer.set()
    async with _running(reader) as broadcast:
        broadcast.join(lost)
        await asyncio.wait_for(lost.failed.wait(), 10)
        lost.wants = 0
        broadcast.join(lost)
        await _heard(lost, [0, 1, 2])
