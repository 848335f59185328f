"""From the outbox to Kafka, in order, at least once: consumers drop repeats by their watermark.

The order rule that makes the watermark safe: a record goes out only after every earlier record for the same
partition was acknowledged. So after any crash or error the first appearances on a partition are still in order.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

import orjson
import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
from sqlalchemy.ext.asyncio import AsyncEngine

from shared.messaging import retry, store
from shared.messaging.store import OutboxRow
from shared.messaging.stream import SEQ_HEADER, SOURCE_HEADER, ShardId

ROWS_PER_ROUND_MAX: Final = 4_000
ROWS_IN_MEMORY_MAX: Final = 20_000
"""Committed rows handed over without re-reading them; beyond it the relay reads the table, so memory is bounded."""
NOTE_INTERVAL_S: Final = 0.25
"""How long the relayed sequence may lag in the table; a crash repeats at most that much."""

log = structlog.get_logger()


class Publisher:
    """One idempotent producer of the process, rebuilt after an error it cannot get over by itself."""

    def __init__(self, make: Callable[[], AIOKafkaProducer]) -> None:
        self._make = make
        self._producer: AIOKafkaProducer | None = None
        self._building = asyncio.Lock()

    async def publish(self, service: str, shard: ShardId, rows: Sequence[OutboxRow]) -> None:
        """Send rows and wait until Kafka has them all; KafkaError or TimeoutError when it has not."""
        producer = await self._ready()
        lanes: dict[tuple[str, int], list[OutboxRow]] = {}
        for row in rows:
            lanes.setdefault((row.topic, row.to_partition), []).append(row)
        source = f"{service}.{shard}".encode()
        try:
            await _all_settled([_send_lane(producer, lane, sent, source) for lane, sent in lanes.items()])
        except BaseException:
            await self._discard(producer)
            raise

    async def close(self) -> None:
        """Stop the producer."""
        if self._producer is not None:
            await self._discard(self._producer)

    async def _ready(self) -> AIOKafkaProducer:
        async with self._building:
            if self._producer is None:
                producer = self._make()
                try:
                    await producer.start()
                except BaseException:
                    await producer.stop()
                    raise
                self._producer = producer
            return self._producer

    async def _discard(self, producer: AIOKafkaProducer) -> None:
        if self._producer is producer:
            self._producer = None
        try:
            async with asyncio.timeout(5):
                await producer.stop()
        except (KafkaError, TimeoutError):
            log.warning("producer_stop_failed")


async def _all_settled(sends: Sequence[Awaitable[None]]) -> None:
    """Await all, then raise the first failure: none is left running behind our back."""
    for result in await asyncio.gather(*sends, return_exceptions=True):
        if isinstance(result, BaseException):
            raise result


async def _send_lane(
    producer: AIOKafkaProducer, lane: tuple[str, int], rows: Sequence[OutboxRow], source: bytes
) -> None:
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


class Relay:
    """Sends one shard's outbox under the epoch it was acquired with."""

    def __init__(self, engine: AsyncEngine, publisher: Publisher, service: str, shard: ShardId) -> None:
        self.shard = shard
        self._engine = engine
        self._publisher = publisher
        self._service = service
        self._epoch = 0
        self._relayed = self._noted = self._emitted = self._taken = 0
        self._offered: deque[OutboxRow] = deque()
        self._wake = asyncio.Event()

    @property
    def relayed_seq(self) -> int:
        """The last sequence that Kafka acknowledged."""
        return self._relayed

    @property
    def emitted_seq(self) -> int:
        """The last sequence this process knows to be committed."""
        return self._emitted

    def own(self, epoch: int, relayed_seq: int, emitted_seq: int) -> None:
        """Start from what the shard's row says under a new epoch."""
        self._epoch, self._emitted = epoch, emitted_seq
        self._relayed = self._noted = self._taken = relayed_seq
        self._offered.clear()
        self._wake.set()

    def offer(self, rows: Sequence[OutboxRow]) -> None:
        """Committed rows, so that they need not be read again."""
        if not rows:
            return
        self._emitted = rows[-1].seq
        last = self._offered[-1].seq if self._offered else self._taken
        if rows[0].seq == last + 1 and len(self._offered) + len(rows) <= ROWS_IN_MEMORY_MAX:
            self._offered.extend(rows)
        self._wake.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Relay until stopped and everything offered is out; passing failures are waited out."""
        waits = retry.backoff_s()
        while not (stop.is_set() and self._relayed >= self._emitted):
            try:
                await self._round(stop)
                waits = retry.backoff_s()
            except Exception as error:
                if not retry.is_passing(error):
                    raise
                log.warning("relay_waits", shard=str(self.shard), error=type(error).__name__)
                if stop.is_set():
                    return
                await retry.sleep_unless(stop, next(waits))
        await self._note()

    async def poll(self) -> None:
        """Look at the table for rows other processes appended."""
        async with self._engine.connect() as connection:
            found = await store.read_outbox(connection, self.shard, self._relayed, 1)
        if found:
            self._emitted = max(self._emitted, found[0].seq)
            self._wake.set()

    async def _round(self, stop: asyncio.Event) -> None:
        rows = await self._next_rows()
        if rows:
            self._taken = rows[-1].seq
            await self._publisher.publish(self._service, self.shard, rows)
            self._relayed = self._taken
            self._emitted = max(self._emitted, self._relayed)
            return
        self._wake.clear()
        if self._relayed == self._noted:
            await _either(stop, self._wake, None)
            return
        await _either(stop, self._wake, NOTE_INTERVAL_S)
        if not self._wake.is_set():
            await self._note()

    async def _next_rows(self) -> list[OutboxRow]:
        while self._offered and self._offered[0].seq <= self._relayed:
            self._offered.popleft()
        if self._offered and self._offered[0].seq == self._relayed + 1:
            return [self._offered.popleft() for _ in range(min(len(self._offered), ROWS_PER_ROUND_MAX))]
        self._offered.clear()
        self._taken = self._relayed
        if self._relayed >= self._emitted:
            return []
        async with self._engine.connect() as connection:
            return await store.read_outbox(connection, self.shard, self._relayed, ROWS_PER_ROUND_MAX)

    async def _note(self) -> None:
        if self._relayed == self._noted:
            return
        async with self._engine.begin() as connection:
            await store.advance_relay(connection, self.shard, self._epoch, self._relayed)
        self._noted = self._relayed


async def _either(stop: asyncio.Event, wake: asyncio.Event, timeout_s: float | None) -> None:
    waits = {asyncio.ensure_future(stop.wait()), asyncio.ensure_future(wake.wait())}
    if stop.is_set():
        # Nothing left to send and asked to stop: the caller's loop condition decides.
        timeout_s = 0
    try:
        await asyncio.wait(waits, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()
