"""The order rule under producer errors, on a producer that fails when told to."""

import asyncio
from collections import deque
from typing import Any

import pytest
from aiokafka.errors import KafkaError, OutOfOrderSequenceNumber

from shared.messaging.publisher import Publisher
from shared.messaging.store import OutboxRow
from shared.messaging.stream import ShardId

SHARD = ShardId("accounts", 0)
PER_BATCH = 2


class Batch:
    def __init__(self) -> None:
        self.values: list[bytes] = []

    def append(self, *, key: bytes | None, value: bytes, timestamp: None, headers: Any) -> object | None:
        if len(self.values) == PER_BATCH:
            return None
        self.values.append(value)
        return self

    def close(self) -> None: ...

    def record_count(self) -> int:
        return len(self.values)


class Broker:
    """What arrived; `failures` are raised in turn by acknowledgements, `silent` keeps them away."""

    def __init__(self) -> None:
        self.arrived: list[tuple[int, bytes]] = []
        self.failures: deque[Exception | None] = deque()
        self.silent = False
        self.producers = 0

    def producer(self) -> "Producer":
        self.producers += 1
        return Producer(self)


class Producer:
    _sender = None

    def __init__(self, broker: Broker) -> None:
        self._broker = broker

    async def start(self) -> None: ...

    async def stop(self) -> None: ...

    def create_batch(self) -> Batch:
        return Batch()

    async def send_batch(self, batch: Batch, topic: str, *, partition: int) -> "asyncio.Future[None]":
        acknowledged: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if self._broker.silent:
            return acknowledged
        failure = self._broker.failures.popleft() if self._broker.failures else None
        if failure is not None:
            acknowledged.set_exception(failure)
        else:
            self._broker.arrived += [(partition, value) for value in batch.values]
            acknowledged.set_result(None)
        return acknowledged


def rows(*seqs: int, partition: int = 0) -> list[OutboxRow]:
    return [OutboxRow(seq, "t", partition, None, str(seq).encode()) for seq in seqs]


async def test_nothing_goes_out_behind_a_batch_that_was_not_acknowledged() -> None:
    broker = Broker()
    publisher = Publisher(broker.producer)
    broker.failures.extend([None, OutOfOrderSequenceNumber()])
    with pytest.raises(OutOfOrderSequenceNumber):
        await publisher.publish("s", SHARD, rows(1, 2, 3, 4, 5, 6))
    assert broker.arrived == [(0, b"1"), (0, b"2")]
    await publisher.publish("s", SHARD, rows(1, 2, 3, 4, 5, 6))
    assert [value for _, value in broker.arrived] == [b"1", b"2", b"1", b"2", b"3", b"4", b"5", b"6"]
    assert broker.producers == 2, "the producer that failed is not used again"


async def test_a_producer_given_up_by_one_relay_lets_the_others_go() -> None:
    broker = Broker()
    publisher = Publisher(broker.producer)
    broker.silent = True
    waiting = asyncio.create_task(publisher.publish("s", SHARD, rows(1)))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    broker.silent = False
    broker.failures.append(KafkaError("fatal"))
    with pytest.raises(KafkaError):
        await publisher.publish("s", ShardId("accounts", 1), rows(1, partition=1))
    with pytest.raises(KafkaError):
        await asyncio.wait_for(waiting, 5)
    await publisher.publish("s", SHARD, rows(1))
    assert broker.arrived == [(0, b"1")]


async def test_a_relay_that_is_cut_off_leaves_the_producer_to_the_others() -> None:
    broker = Broker()
    publisher = Publisher(broker.producer)
    broker.silent = True
    waiting = asyncio.create_task(publisher.publish("s", SHARD, rows(1)))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    broker.silent = False
    await publisher.publish("s", SHARD, rows(2))
    assert (broker.producers, broker.arrived) == (1, [(0, b"2")])


async def test_a_row_no_batch_can_hold_is_a_bug_and_not_a_wait() -> None:
    class Full(Batch):
        def append(self, **_: Any) -> None:
            return None

    class Strict(Producer):
        def create_batch(self) -> Batch:
            return Full()

    broker = Broker()
    publisher = Publisher(lambda: Strict(broker))
    with pytest.raises(ValueError, match="outbox row 1 is larger"):
        await publisher.publish("s", SHARD, rows(1))
