"""How this system's Kafka clients are set up, and how they start: patiently, and anew after each failed try."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, Final

import structlog
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.coordinator.assignors.range import RangePartitionAssignor
from aiokafka.errors import KafkaError

from shared.messaging import header_names, retry
from shared.messaging.stream import Record

PRODUCER_BATCH_BYTES_MAX: Final = 512 * 1024
FETCH_BYTES_MAX: Final = 4 * 1024 * 1024
HEARTBEATS_PER_SESSION: Final = 4
HEARTBEAT_S_MAX: Final = 3.0
"""Members hear of a rebalance when they next show that they live, so long sessions must not make for long waits."""
READS_APART_MS_MAX: Final = 2**31 - 1
"""How long a member may read nothing: as good as for ever, it waits for a database as long as that takes.

aiokafka has a member leave after five minutes, and takes it back only once it reads; but its shards, which it stopped,
read only once they are assigned again. Heartbeats tell the group that a member lives; the epoch guards what it writes.
"""

log = structlog.get_logger()


class GroupConsumer(AIOKafkaConsumer):  # type: ignore[misc]  # aiokafka has no types
    """A consumer that leaves its group when it is stopped, named or not; one that is killed leaves its name there."""

    def check_group(self) -> None:
        """KafkaError for what went wrong in the group; aiokafka tells only who reads, and meanwhile takes no part."""
        if self._coordinator is not None:
            self._coordinator.check_errors()

    async def stop(self) -> None:
        """aiokafka keeps a named member's place, and its partitions would stand still until its session is over."""
        if self._coordinator is not None:
            self._coordinator._group_instance_id = None
        await super().stop()


def group_consumer(
    bootstrap: str,
    *,
    service: str,
    stream: str,
    replica: str | None,
    session_timeout_s: float,
    wait_ms: int,
    bytes_min: int,
) -> Any:
    """The group's consumer: range assignment keeps partition n of all topics together.

    It starts where it is told to and nowhere else: what is not there is an error, not another place to read from.

    A `replica` that was killed and comes back by its name is given its partitions at once (KIP-345).
    """
    header_names.install()
    return GroupConsumer(
        bootstrap_servers=bootstrap,
        group_id=f"arrears.{service}.{stream}",
        group_instance_id=replica,
        client_id=f"arrears-{service}-{stream}",
        partition_assignment_strategy=[RangePartitionAssignor],
        enable_auto_commit=False,
        auto_offset_reset="none",
        # What a transactional publisher aborted never happened.
        isolation_level="read_committed",
        session_timeout_ms=int(session_timeout_s * 1000),
        heartbeat_interval_ms=int(min(session_timeout_s / HEARTBEATS_PER_SESSION, HEARTBEAT_S_MAX) * 1000),
        max_poll_interval_ms=READS_APART_MS_MAX,
        fetch_max_wait_ms=wait_ms,
        fetch_min_bytes=bytes_min,
        max_partition_fetch_bytes=FETCH_BYTES_MAX,
    )


def reader(bootstrap: str, topics: Sequence[str]) -> Any:
    """A consumer outside any group, for partition 0 of these topics; it starts where it is told to, as the group's."""
    header_names.install()
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap,
        enable_auto_commit=False,
        auto_offset_reset="none",
        isolation_level="read_committed",
    )
    consumer.assign([TopicPartition(topic, 0) for topic in topics])
    return consumer


def producer(bootstrap: str, service: str) -> AIOKafkaProducer:
    """The idempotent producer of one process."""
    return AIOKafkaProducer(
        bootstrap_servers=bootstrap,
        client_id=f"arrears-{service}",
        enable_idempotence=True,
        acks="all",
        max_batch_size=PRODUCER_BATCH_BYTES_MAX,
        max_request_size=2 * 1024 * 1024,
        request_timeout_ms=20_000,
    )


def admin(bootstrap: str) -> Any:
    """A client that asks about topics."""
    return AIOKafkaAdminClient(bootstrap_servers=bootstrap)


def record_of(raw: Any) -> Record:
    """aiokafka's record as ours."""
    return Record(raw.topic, raw.partition, raw.offset, raw.key, raw.value, raw.headers)


async def start_patiently(make: Callable[[], Any], stop: asyncio.Event, name: str) -> Any:
    """A started client, however long the broker takes, with one clear line a try; None when asked to stop first.

    Each try makes a new client: aiokafka's consumers refuse to read after they were stopped once.
    """
    waits = retry.backoff_s()
    while not stop.is_set():
        client = make()
        try:
            if await _started(client, stop):
                return client
        except (KafkaError, OSError) as error:
            log.warning("broker_unreachable", client=name, error=type(error).__name__)
        except BaseException:
            await close(client)
            raise
        await close(client)
        await retry.sleep_unless(stop, next(waits))
    return None


async def _started(client: Any, stop: asyncio.Event) -> bool:
    """True once it has started; False when asked to stop while the broker kept silent."""
    starting, stopping = asyncio.ensure_future(client.start()), asyncio.ensure_future(stop.wait())
    try:
        await asyncio.wait({starting, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if starting.done():
            starting.result()
            return True
        return False
    finally:
        starting.cancel()
        stopping.cancel()
        await asyncio.gather(starting, stopping, return_exceptions=True)


async def close(client: Any) -> None:
    """Stop a client, whichever kind it is."""
    await (client.close() if hasattr(client, "close") else client.stop())
