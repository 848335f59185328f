"""One process's membership in a stream's consumer group: which shards it runs, started and stopped with rebalances.

The group protocol only spreads the work. What protects the data is the epoch in the database, so nothing here waits
long for a shard to stop, and the listener takes no lock that the fetch loop could hold.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.coordinator.assignors.range import RangePartitionAssignor
from aiokafka.errors import KafkaError

from shared.messaging import metrics, retry
from shared.messaging.feed import Broadcast, Feed
from shared.messaging.shard import ShardLoop
from shared.messaging.stream import Stream

STOP_WAIT_S: Final = 5.0
COMMIT_EVERY_S: Final = 2.0

log = structlog.get_logger()

MakeLoop = Callable[[Stream, int, Feed], tuple[ShardLoop, Any]]


class Member(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka ships no types
    """Consumes one stream: a task for each shard this member owns."""

    def __init__(
        self,
        stream: Stream,
        *,
        consumer: AIOKafkaConsumer,
        broadcast: Broadcast | None,
        make_loop: MakeLoop,
        records_max: int,
    ) -> None:
        self.stream = stream
        self._consumer = consumer
        self._broadcast = broadcast
        self._make_loop = make_loop
        self._cap = records_max
        self._running: dict[int, _Running] = {}
        self._failed: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

    @property
    def loops(self) -> Mapping[int, ShardLoop]:
        """The shards this member owns now, by partition."""
        return {partition: running.loop for partition, running in self._running.items()}

    async def run(self, stop: asyncio.Event) -> None:
        """Join the group and run what it assigns until stopped; a shard's bug ends the process through here."""
        await start_patiently(self._consumer, stop, self.stream.name)
        if stop.is_set():
            return
        self._consumer.subscribe(list(self.stream.topics), listener=self)
        stopped: asyncio.Future[Any] = asyncio.ensure_future(stop.wait())
        committing = asyncio.create_task(self._commit_for_lag_tools(stop))
        try:
            await asyncio.wait({stopped, self._failed}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            stopped.cancel()
            await self._stop_all()
            committing.cancel()
            await asyncio.gather(committing, return_exceptions=True)
            await self._consumer.stop()
        if self._failed.done():
            self._failed.result()

    async def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        """Stop all shards: the group is spread anew."""
        await self._stop_all()

    async def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        """Start a shard for each partition number assigned to us."""
        partitions = sorted({tp.partition for tp in assigned})
        for partition in partitions:
            self._start(partition)
        metrics.SHARDS_OWNED.labels(self.stream.name).set(len(partitions))
        log.info("shards_assigned", stream=self.stream.name, partitions=partitions)

    def _start(self, partition: int) -> None:
        own = [TopicPartition(topic, partition) for topic in self.stream.topics]
        feed = Feed(self._consumer, own, self._broadcast, self._cap)
        loop, relay = self._make_loop(self.stream, partition, feed)
        stop = asyncio.Event()
        relay_stop = asyncio.Event()
        tasks = [asyncio.create_task(loop.run(stop)), asyncio.create_task(relay.run(relay_stop))]
        for task in tasks:
            task.add_done_callback(self._note_failure)
        self._running[partition] = _Running(loop, feed, stop, relay_stop, tasks)

    def _note_failure(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and task.exception() is not None and not self._failed.done():
            self._failed.set_exception(task.exception())  # type: ignore[arg-type]  # checked the line above

    async def _stop_all(self) -> None:
        running = list(self._running.values())
        self._running.clear()
        await asyncio.gather(*(one.stop() for one in running))
        metrics.SHARDS_OWNED.labels(self.stream.name).set(0)

    async def _commit_for_lag_tools(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            await retry.sleep_unless(stop, COMMIT_EVERY_S)
            offsets = {
                TopicPartition(topic, partition): loop.state.offsets[topic]
                for partition, loop in self.loops.items()
                for topic in self.stream.topics
                if topic in loop.state.offsets
            }
            try:
                if offsets:
                    await self._consumer.commit(offsets)
            except KafkaError as error:
                # Only lag tools read these: the truth is the shard's row.
                log.info("lag_commit_failed", stream=self.stream.name, error=type(error).__name__)


class _Running:
    """The tasks of one owned shard."""

    def __init__(
        self,
        loop: ShardLoop,
        feed: Feed,
        stop: asyncio.Event,
        relay_stop: asyncio.Event,
        tasks: Sequence[asyncio.Task[None]],
    ) -> None:
        self.loop = loop
        self._feed = feed
        self._stop = stop
        self._relay_stop = relay_stop
        self._tasks = tasks

    async def stop(self) -> None:
        """Finish the batch at hand, then the relay; cut both off when they take too long."""
        self._stop.set()
        await asyncio.wait({self._tasks[0]}, timeout=STOP_WAIT_S)
        self._relay_stop.set()
        await asyncio.wait(self._tasks, timeout=STOP_WAIT_S)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._feed.close()


def group_consumer(bootstrap: str, *, service: str, stream: str, session_timeout_s: float, wait_ms: int) -> Any:
    """The group's consumer: range assignment keeps partition n of all topics together."""
    return AIOKafkaConsumer(
        bootstrap_servers=bootstrap,
        group_id=f"arrears.{service}.{stream}",
        client_id=f"arrears-{service}-{stream}",
        partition_assignment_strategy=[RangePartitionAssignor],
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        session_timeout_ms=int(session_timeout_s * 1000),
        heartbeat_interval_ms=int(session_timeout_s * 1000 / 4),
        fetch_max_wait_ms=wait_ms,
        # While one partition's records wait to be applied, others of the same broker are not fetched for this long.
        consumer_timeout_ms=20,
        max_partition_fetch_bytes=4 * 1024 * 1024,
    )


async def start_patiently(client: Any, stop: asyncio.Event, name: str) -> None:
    """Start a Kafka client, waiting for the broker as long as it takes, with one clear line a try."""
    waits = retry.backoff_s()
    while not stop.is_set():
        try:
            await client.start()
            return
        except (KafkaError, OSError) as error:
            await (client.close() if hasattr(client, "close") else client.stop())
            log.warning("broker_unreachable", client=name, error=type(error).__name__)
            await retry.sleep_unless(stop, next(waits))
