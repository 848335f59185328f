"""The process's one idempotent producer, shared by its relays and rebuilt after an error it cannot get over.

The order rule that makes a consumer's watermark safe: a record goes out only after every earlier record for the same
partition was acknowledged. So after any crash or error the first appearances on a partition are still in order.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Final

import orjson
import structlog
from aiokafka.errors import KafkaError, ProducerClosed

from shared.messaging.stream import SEQ_HEADER, SOURCE_HEADER, OutboxRow, ShardId

PUBLISH_S_MAX: Final = 20.0
"""An idempotent producer retries for ever; after this long it is given up, and the wait becomes a visible one."""
STOP_S_MAX: Final = 2.0

log = structlog.get_logger()


class Publisher:
    """Sends outbox rows; safe to share between relays."""

    def __init__(self, make: Callable[[], Any]) -> None:
        self._make = make
        self._producer: Any = None
        self._building = asyncio.Lock()
        self._sending: set[asyncio.Task[None]] = set()

    async def publish(self, service: str, shard: ShardId, rows: Sequence[OutboxRow]) -> None:
        """Send rows and wait until Kafka has them all; KafkaError or TimeoutError when it may not have."""
        lanes: dict[tuple[str, int], list[OutboxRow]] = {}
        for row in rows:
            lanes.setdefault((row.topic, row.to_partition), []).append(row)
        source = f"{service}.{shard}".encode()
        producer = await self._ready()
        try:
            async with asyncio.timeout(PUBLISH_S_MAX):
                await self._all_sent([_send_lane(producer, lane, sent, source) for lane, sent in lanes.items()])
        except Exception:
            await self._discard(producer)
            raise

    async def close(self) -> None:
        """Stop the producer."""
        if self._producer is not None:
            await self._discard(self._producer)

    async def _ready(self) -> Any:
        async with self._building:
            if self._producer is None:
                producer = self._make()
                try:
                    await producer.start()
                except BaseException:
                    await _stopped(producer)
                    raise
                self._producer = producer
            return self._producer

    async def _all_sent(self, sends: Sequence[Coroutine[Any, Any, None]]) -> None:
        """Await all, then raise the first failure: none is left running behind our back."""
        tasks = [asyncio.create_task(send) for send in sends]
        self._sending.update(tasks)
        try:
            results = await asyncio.gather(*tasks, return_exceptions=True)
        finally:
            self._sending.difference_update(tasks)
        for result in results:
            if isinstance(result, asyncio.CancelledError):
                raise ProducerClosed()
            if isinstance(result, BaseException):
                raise result

    async def _discard(self, producer: Any) -> None:
        """Give a producer up, for every relay that waits on it: their next round gets a new one."""
        if self._producer is not producer:
            return
        self._producer = None
        waiting, self._sending = self._sending, set()
        await _stopped(producer)
        for task in waiting:
            task.cancel()


async def _stopped(producer: Any) -> None:
    """Stop a producer in a bounded time, with what it still holds unsent if need be."""
    try:
        async with asyncio.timeout(STOP_S_MAX):
            await producer.stop()
    except (KafkaError, TimeoutError):
        log.warning("producer_cut_off")
        # An interrupted stop leaves the sender running and retrying; only its own handle ends it.
        if producer._sender is not None and producer._sender.sender_task is not None:
            producer._sender.sender_task.cancel()
        await producer.client.close()


async def _send_lane(producer: Any, lane: tuple[str, int], rows: Sequence[OutboxRow], source: bytes) -> None:
    topic, partition = lane
    waiting = deque(rows)
    while waiting:
        batch = producer.create_batch()
        while waiting and _append(batch, waiting[0], source):
            waiting.popleft()
        batch.close()
        if batch.record_count() == 0:
            raise ValueError(f"outbox row {waiting[0].seq} is larger than a producer batch")
        # The next batch for this partition waits for this one's acknowledgement: the order rule above.
        await (await producer.send_batch(batch, topic, partition=partition))


def _append(batch: Any, row: OutboxRow, source: bytes) -> bool:
    headers = [(SOURCE_HEADER, source), (SEQ_HEADER, b"%d" % row.seq)]
    if row.headers:
        headers += [(name, text.encode()) for name, text in orjson.loads(row.headers).items()]
    return batch.append(key=row.key, value=row.value, timestamp=None, headers=headers) is not None
