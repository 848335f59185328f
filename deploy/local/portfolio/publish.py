"""Sending a day's records to Kafka: whole batches a partition, so that a day goes out in one or two requests."""

import asyncio
from collections import Counter, deque
from collections.abc import Iterable
from types import TracebackType
from typing import Any, Final, Self

from aiokafka import AIOKafkaProducer

from deploy.local.portfolio.writer import Record
from shared.messaging.transaction import partition_of

BATCH_BYTES_MAX: Final = 900_000
Lane = tuple[str, int]


class Publisher:
    """An idempotent producer that sends many records at once. `published` counts what Kafka acknowledged, by topic."""

    def __init__(self, bootstrap: str) -> None:
        self.published: Counter[str] = Counter()
        self.ends: dict[Lane, int] = {}
        """Topic and partition -> offset after the last record sent here."""
        self._partitions: dict[str, int] = {}
        self._producer = AIOKafkaProducer(
            bootstrap_servers=bootstrap,
            enable_idempotence=True,
            max_batch_size=BATCH_BYTES_MAX,
            max_request_size=4 * BATCH_BYTES_MAX,
        )

    async def __aenter__(self) -> Self:
        await self._producer.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._producer.stop()

    async def publish(self, records: Iterable[Record]) -> None:
        """Send and wait until Kafka has all of them; the order in each partition is that of the records."""
        lanes: dict[Lane, deque[Record]] = {}
        for record in records:
            lanes.setdefault(await self._lane(record), deque()).append(record)
        sends = [sent for lane, waiting in lanes.items() for sent in await self._send(lane, waiting)]
        for lane, count, acknowledged in sends:
            last = await acknowledged
            self.published[lane[0]] += count
            self.ends[lane] = last.offset + count

    async def _lane(self, record: Record) -> Lane:
        """The record's topic and Kafka's default partition of its key; without a key the first."""
        partitions = self._partitions.get(record.topic)
        if partitions is None:
            partitions = len(await self._producer.partitions_for(record.topic))
            self._partitions[record.topic] = partitions
        return record.topic, partition_of(record.key, partitions) if record.key else 0

    async def _send(self, lane: Lane, waiting: deque[Record]) -> list[tuple[Lane, int, asyncio.Future[Any]]]:
        sends = []
        while waiting:
            batch = self._producer.create_batch()
            while waiting and batch.append(key=waiting[0].key, value=waiting[0].value, timestamp=None) is not None:
                waiting.popleft()
            batch.close()
            acknowledged = await self._producer.send_batch(batch, lane[0], partition=lane[1])
            sends.append((lane, batch.record_count(), acknowledged))
        return sends
