"""One process's membership in a stream's consumer group: which shards it runs, started and stopped with rebalances.

The group protocol only spreads the work. What protects the data is the epoch in the database, so nothing here waits
long for a shard to stop, and the listener takes no lock that the fetch loop could hold.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final

import structlog
from aiokafka import ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import GroupAuthorizationFailedError, InvalidSessionTimeoutError, KafkaError

from shared.messaging import metrics, retry
from shared.messaging.broadcast import Broadcast
from shared.messaging.feed import Feed
from shared.messaging.kafka import start_patiently
from shared.messaging.relay import Relay
from shared.messaging.shard import ShardLoop
from shared.messaging.stream import Stream
from shared.vocabulary.errors import Misconfigured

STOPS_PER_SESSION: Final = 4
"""A shard that stops gets that part of the session for its batch, and again for its relay."""
COMMIT_EVERY_S: Final = 2.0

log = structlog.get_logger()

MakeLoop = Callable[[Stream, int, Feed], tuple[ShardLoop, Relay]]


class Member(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka ships no types
    """Consumes one stream: a task for each shard this member owns."""

    def __init__(
        self,
        stream: Stream,
        *,
        make_consumer: Callable[[], Any],
        broadcast: Broadcast | None,
        make_loop: MakeLoop,
        shards: int,
        records_max: int,
        session_timeout_s: float,
    ) -> None:
        self.stream = stream
        self._make_consumer = make_consumer
        self._consumer: Any = None
        self._stop_wait_s = session_timeout_s / STOPS_PER_SESSION
        self._broadcast = broadcast
        self._make_loop = make_loop
        self._shards = shards
        self._cap = records_max
        self._running: dict[int, _Running] = {}
        self._leaving = False
        self._failed: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

    @property
    def loops(self) -> Mapping[int, ShardLoop]:
        """The shards this member owns now, by partition."""
        return {partition: running.loop for partition, running in self._running.items()}

    async def run(self, stop: asyncio.Event) -> None:
        """Join the group and run what it assigns until stopped; a shard's bug ends the process through here."""
        self._consumer = await start_patiently(self._make_consumer, stop, self.stream.name)
        if self._consumer is None:
            return
        self._consumer.subscribe(list(self.stream.topics), listener=self)
        stopped: asyncio.Future[Any] = asyncio.ensure_future(stop.wait())
        committing = asyncio.create_task(self._commit_for_lag_tools(stop))
        try:
            await asyncio.wait({stopped, self._failed}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            stopped.cancel()
            await self._leave(committing)
        if self._failed.done():
            self._failed.result()

    async def _leave(self, committing: asyncio.Task[None]) -> None:
        self._leaving = True
        loops = dict(self.loops)
        await self._stop_all()
        committing.cancel()
        await asyncio.gather(committing, return_exceptions=True)
        # Otherwise Kafka would not know of the last seconds, and nobody would notice a store restored to before them.
        with suppress(TimeoutError):
            async with asyncio.timeout(self._stop_wait_s):
                await self._commit(loops)
        await self._consumer.stop()

    async def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        """Stop all shards: the group is spread anew."""
        await self._stop_all()

    async def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        """Start a shard for each partition number assigned to us.

        Not while we leave: the shards being stopped still read from the same consumer, and what one of two readers
        takes, the other misses.
        """
        if self._leaving:
            return
        partitions = sorted({tp.partition for tp in assigned})
        if partitions and partitions[-1] >= self._shards:
            # Keys moved with them: an account's facts would be applied in two places.
            self._fail(Misconfigured(f"partitions were added to topics of stream {self.stream.name} while it ran"))
            return
        try:
            for partition in partitions:
                self._start(partition)
        except Exception as error:
            # aiokafka would only log it, and the shards would never run.
            self._fail(error)
        metrics.SHARDS_OWNED.labels(self.stream.name).set(len(partitions))
        log.info("shards_assigned", stream=self.stream.name, partitions=partitions)

    def _start(self, partition: int) -> None:
        own = [TopicPartition(topic, partition) for topic in self.stream.topics]
        feed = Feed(self._consumer, own, self._broadcast, self._cap)
        loop, relay = self._make_loop(self.stream, partition, feed)
        running = _Running(loop, relay, feed)
        for task in running.tasks:
            task.add_done_callback(self._note_failure)
        self._running[partition] = running

    def _note_failure(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            self._fail(error)

    def _fail(self, error: BaseException) -> None:
        if not self._failed.done():
            self._failed.set_exception(error)

    async def _stop_all(self) -> None:
        running = list(self._running.values())
        self._running.clear()
        await asyncio.gather(*(one.stop(self._stop_wait_s) for one in running))
        metrics.SHARDS_OWNED.labels(self.stream.name).set(0)

    async def _commit_for_lag_tools(self, stop: asyncio.Event) -> None:
        while True:
            await retry.sleep_unless(stop, COMMIT_EVERY_S)
            if stop.is_set():
                return
            self._check_group()
            await self._commit(self.loops)

    def _check_group(self) -> None:
        """A member without shards reads nothing, and nobody else would hear why it has none."""
        try:
            self._consumer.check_group()
        except InvalidSessionTimeoutError:
            self._fail(
                Misconfigured("ARREARS_SESSION_TIMEOUT_S: the broker's group.(min|max).session.timeout.ms forbid it")
            )
        except GroupAuthorizationFailedError:
            self._fail(Misconfigured(f"Kafka lets this user not join the group of stream {self.stream.name}"))
        except Exception as error:
            if not retry.is_passing(error):
                self._fail(error)
                return
            log.warning("group_waits", stream=self.stream.name, error=type(error).__name__)

    async def _commit(self, loops: Mapping[int, ShardLoop]) -> None:
        """Tell the group how far these shards are; that is for lag tools, and to notice a store that was put back."""
        offsets = {
            TopicPartition(topic, partition): loop.state.offsets[topic]
            for partition, loop in loops.items()
            for topic in self.stream.topics
            if topic in loop.state.offsets
        }
        try:
            if offsets:
                await self._consumer.commit(offsets)
        except KafkaError as error:
            # The truth is the shard's row.
            log.info("lag_commit_failed", stream=self.stream.name, error=type(error).__name__)


class _Running:
    """The tasks of one owned shard."""

    def __init__(self, loop: ShardLoop, relay: Relay, feed: Feed) -> None:
        self.loop = loop
        self._relay = relay
        self._feed = feed
        self._stop = asyncio.Event()
        self._relay_stop = asyncio.Event()
        self._applying = asyncio.create_task(loop.run(self._stop))
        self._relaying = asyncio.create_task(relay.run(self._relay_stop))

    @property
    def tasks(self) -> Sequence[asyncio.Task[None]]:
        """What runs; none of them ends by itself but with a bug."""
        return self._applying, self._relaying

    async def stop(self, wait_s: float) -> None:
        """Finish the batch at hand, then the relay; cut both off when they take too long."""
        self._stop.set()
        self._feed.wake()
        await asyncio.wait({self._applying}, timeout=wait_s)
        self._applying.cancel()
        self._relay_stop.set()
        self._relay.wake()
        await asyncio.wait(self.tasks, timeout=wait_s)
        self._relaying.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        await self._feed.close()
