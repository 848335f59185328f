"""Publishing at a steady pace, and when each fact was published."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

from aiokafka import AIOKafkaProducer

from shared.messaging.transaction import partition_of
from tests.bench.facts import Fact

TICK_S = 0.005


class Pace:
    """Sends facts one by one as their time comes; each goes to its key's partition."""

    def __init__(self, producer: AIOKafkaProducer, partitions: int) -> None:
        self._producer = producer
        self._partitions = partitions
        self.sent_at: list[float] = []
        """Epoch seconds at which each fact was given to the producer, in their order."""
        self.per_s = 0.0
        """The pace that was reached."""

    async def publish(self, facts: Iterator[Fact], per_s: float, seconds: float) -> None:
        """So many a second for so long, or until there are no more; returns when Kafka has them."""
        begun, first = time.monotonic(), len(self.sent_at)
        while (spent := time.monotonic() - begun) < seconds:
            due = int(spent * per_s) - (len(self.sent_at) - first)
            if due > 0 and not await self._send(facts, due):
                break
            await asyncio.sleep(TICK_S)
        self.per_s = (len(self.sent_at) - first) / (time.monotonic() - begun)
        await self._producer.flush()

    async def _send(self, facts: Iterator[Fact], due: int) -> bool:
        for _ in range(due):
            if (fact := next(facts, None)) is None:
                return False
            topic, name, value = fact
            key = name.encode()
            self.sent_at.append(time.time())
            await self._producer.send(topic, value, key=key, partition=partition_of(key, self._partitions))
        return True


@asynccontextmanager
async def pace(kafka: str, partitions: int) -> AsyncIterator[Pace]:
    """A plain idempotent producer's: no transaction, no lingering."""
    async with AIOKafkaProducer(bootstrap_servers=kafka, enable_idempotence=True, acks="all") as producer:
        yield Pace(producer, partitions)
