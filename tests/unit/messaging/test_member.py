"""A member that leaves while the group is spread anew: two readers of one partition on one consumer lose records."""

import asyncio
from collections.abc import Sequence
from typing import Any

from aiokafka import ConsumerRebalanceListener, TopicPartition

from shared.messaging import Received, Stream, Transaction
from shared.messaging.feed import Feed
from shared.messaging.member import Member

PLACE = TopicPartition("banking.billing", 0)


class Consumer:
    listener: ConsumerRebalanceListener

    async def start(self) -> None: ...

    async def stop(self) -> None: ...

    def subscribe(self, topics: Sequence[str], listener: ConsumerRebalanceListener) -> None:
        self.listener = listener


class Part:
    """A loop or relay that needs a while to stop."""

    started = 0

    def __init__(self, finish: asyncio.Event) -> None:
        self._finish = finish

    async def run(self, stop: asyncio.Event) -> None:
        Part.started += 1
        await stop.wait()
        await self._finish.wait()

    def wake(self) -> None: ...


async def _nothing(batch: Sequence[Received], tx: Transaction) -> None: ...


async def test_a_member_that_leaves_starts_nothing_beside_what_it_is_stopping() -> None:
    consumer, stop, finish = Consumer(), asyncio.Event(), asyncio.Event()

    def make_loop(stream: Stream, partition: int, feed: Feed) -> Any:
        return Part(finish), Part(finish)

    stream = Stream("accounts", (PLACE.topic,), _nothing)
    member = Member(
        stream, make_consumer=lambda: consumer, broadcast=None, make_loop=make_loop, records_max=1, session_timeout_s=60
    )
    Part.started = 0
    running = asyncio.create_task(member.run(stop))
    await asyncio.sleep(0.01)
    await consumer.listener.on_partitions_assigned([PLACE])
    await asyncio.sleep(0.01)
    assert Part.started == 2
    stop.set()
    await asyncio.sleep(0.01)
    await consumer.listener.on_partitions_revoked([PLACE])
    await consumer.listener.on_partitions_assigned([PLACE])
    finish.set()
    await running
    assert Part.started == 2
