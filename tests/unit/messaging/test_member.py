"""A member that leaves while the group is spread anew: two readers of one partition on one consumer lose records."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from aiokafka import ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import CommitFailedError, IllegalStateError

from shared.messaging import Received, Stream, Transaction
from shared.messaging import member as member_module
from shared.messaging.feed import Feed
from shared.messaging.member import Member
from shared.messaging.stream import ShardState
from tests.waiting import until

PLACE = TopicPartition("banking.billing", 0)


class Consumer:
    listener: ConsumerRebalanceListener

    async def start(self) -> None: ...

    async def stop(self) -> None: ...

    async def commit(self, offsets: Any) -> None: ...

    def check_group(self) -> None: ...

    def subscribe(self, topics: Sequence[str], listener: ConsumerRebalanceListener) -> None:
        self.listener = listener


class Part:
    """A loop or relay that needs a while to stop."""

    started = 0

    def __init__(self, finish: asyncio.Event) -> None:
        self.state = ShardState(1, 1, {PLACE.topic: 7}, {})
        self._finish = finish

    async def run(self, stop: asyncio.Event) -> None:
        Part.started += 1
        await stop.wait()
        await self._finish.wait()
        self.state.offsets[PLACE.topic] = 8

    def wake(self) -> None: ...


async def _nothing(batch: Sequence[Received], tx: Transaction) -> None: ...


def _member(consumer: Consumer, finish: asyncio.Event, session_timeout_s: float = 60) -> Member:
    def make_loop(stream: Stream, partition: int, feed: Feed) -> Any:
        return Part(finish), Part(finish)

    stream = Stream("accounts", (PLACE.topic,), _nothing)
    return Member(
        stream,
        make_consumer=lambda: consumer,
        broadcast=None,
        make_loop=make_loop,
        shards=1,
        records_max=1,
        session_timeout_s=session_timeout_s,
    )


async def _given_its_place(consumer: Consumer) -> None:
    Part.started = 0
    await until(lambda: hasattr(consumer, "listener"), "the member to subscribe", pause_s=0.001)
    await consumer.listener.on_partitions_assigned([PLACE])
    await until(lambda: Part.started == 2, "its loop and its relay to run", pause_s=0.001)


async def test_a_member_that_leaves_starts_nothing_beside_what_it_is_stopping() -> None:
    consumer, stop, finish = Consumer(), asyncio.Event(), asyncio.Event()
    member = _member(consumer, finish)
    running = asyncio.create_task(member.run(stop))
    await _given_its_place(consumer)
    stop.set()
    await until(lambda: not member.loops, "the member to leave", pause_s=0.001)
    await consumer.listener.on_partitions_revoked([PLACE])
    await consumer.listener.on_partitions_assigned([PLACE])
    finish.set()
    await running
    assert Part.started == 2


async def test_a_commit_for_partitions_that_are_gone_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    """Kafka's offsets are for lag tools: the member goes on, and its shards are not disturbed."""
    monkeypatch.setattr(member_module, "COMMIT_EVERY_S", 0.005)
    refused: list[Any] = []

    class Refusing(Consumer):
        async def commit(self, offsets: Any) -> None:
            refused.append(offsets)
            raise (CommitFailedError, IllegalStateError)[len(refused) % 2]("partitions are not assigned")

    consumer, stop, finish = Refusing(), asyncio.Event(), asyncio.Event()
    finish.set()
    member = _member(consumer, finish)
    running = asyncio.create_task(member.run(stop))
    await _given_its_place(consumer)
    await until(lambda: len(refused) >= 2, "both refusals", pause_s=0.005)
    assert refused[0] == {PLACE: 7}
    assert not running.done()
    stop.set()
    await running


async def test_a_member_that_leaves_tells_the_group_how_far_its_last_batches_came() -> None:
    """What Kafka was not told of, a restored store could not be found out to lack."""
    told: list[Any] = []

    class Telling(Consumer):
        async def commit(self, offsets: Any) -> None:
            assert "left" not in told
            told.append(offsets)

        async def stop(self) -> None:
            told.append("left")

    consumer, stop, finish = Telling(), asyncio.Event(), asyncio.Event()
    finish.set()
    running = asyncio.create_task(_member(consumer, finish).run(stop))
    await _given_its_place(consumer)
    stop.set()
    await running
    assert told == [{PLACE: 8}, "left"]


async def test_a_broker_that_does_not_answer_keeps_no_member_from_leaving() -> None:
    asked = asyncio.Event()

    class Silent(Consumer):
        async def commit(self, offsets: Any) -> None:
            asked.set()
            await asyncio.Event().wait()

    consumer, stop, finish = Silent(), asyncio.Event(), asyncio.Event()
    finish.set()
    running = asyncio.create_task(_member(consumer, finish, session_timeout_s=0.2).run(stop))
    await _given_its_place(consumer)
    stop.set()
    await running
    assert asked.is_set()
