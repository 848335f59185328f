"""Kafka's clients as the loop uses them: the methods of aiokafka's consumer and producer, on the simulated broker.

A consumer goes on reading what it was once assigned until it hears of a rebalance: that is what makes a zombie.
"""

import asyncio
from collections.abc import Mapping, Sequence
from itertools import takewhile
from typing import Any

from aiokafka import ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import CommitFailedError, IllegalStateError, KafkaConnectionError, OutOfOrderSequenceNumber

from tests.simulation.broker import Broker, Group, Written
from tests.simulation.life import Life

HEARTBEATS_PER_SESSION = 4
BATCH_ROWS_MAX = 4
NO_LEADER_SHARE = 0.1
REQUEST_S = 1.0
"""How long a client waits for a broker that is away."""


class Consumer:
    """In a group after `subscribe`, on fixed partitions after `assign`."""

    def __init__(self, broker: Broker, life: Life, group: str, session_s: float) -> None:
        self._broker = broker
        self._life = life
        self._name = group
        self._session_s = session_s
        self._group: Group | None = None
        self._generation = 0
        self._assigned: list[TopicPartition] = []
        self._at: dict[TopicPartition, int] = {}
        self._listener: ConsumerRebalanceListener | None = None
        self._coordinating: asyncio.Task[None] | None = None
        self._at_hand = True
        """Whether what lay in the broker when the line was cut had been fetched ahead, as aiokafka does."""
        self.deaf_until_s = 0.0
        """Until then it hears nothing from the group's coordinator, but reads on."""

    async def start(self) -> None:
        await self._call()

    async def stop(self) -> None:
        if self._coordinating is not None:
            self._coordinating.cancel()
        if self._group is not None and not self._life.dead:
            self._group.drop(self._life.name)

    def check_group(self) -> None:
        """The coordinator refuses nobody here."""

    def expel(self) -> None:
        """The group goes on without this member, which does not know it yet."""
        if self._group is not None:
            self._group.drop(self._life.name)

    def subscribe(self, topics: Sequence[str], listener: ConsumerRebalanceListener) -> None:
        self._group = self._broker.group(self._name, topics, self._session_s)
        self._listener = listener
        self._coordinating = asyncio.create_task(self._coordinate(self._group, listener))

    def assign(self, places: Sequence[TopicPartition]) -> None:
        self._assigned = list(places)
        self._at = dict.fromkeys(places, 0)

    def seek(self, place: TopicPartition, offset: int) -> None:
        if place not in self._assigned:
            raise IllegalStateError(f"No current assignment for partition {place}")
        self._at[place] = offset
        self._at_hand = not self._life.cut_off

    async def position(self, place: TopicPartition) -> int:
        if place not in self._assigned:
            raise IllegalStateError(f"Partition {place} is not assigned")
        return self._at.setdefault(place, 0)

    async def getmany(
        self, *places: TopicPartition, timeout_ms: int, max_records: int | None = None
    ) -> Mapping[TopicPartition, Sequence[Written]]:
        """Some of what is there; nothing when the time is over, or while the broker is away."""
        await self._life.reach()
        end_s = asyncio.get_running_loop().time() + timeout_ms / 1000
        while not (found := self._take(places or tuple(self._assigned), max_records or 500)):
            left_s = end_s - asyncio.get_running_loop().time()
            if left_s <= 0:
                break
            await self._broker.arrival(left_s)
        await self._life.back()
        return found

    def _take(self, places: Sequence[TopicPartition], cap: int) -> dict[TopicPartition, list[Written]]:
        found: dict[TopicPartition, list[Written]] = {}
        if not self._broker.reachable or (self._life.cut_off and not self._at_hand):
            return found
        until_ms = self._life.cut_off_at_ms
        left = self._life.chance.randint(1, cap)
        for place in places:
            at = self._at.get(place, 0)
            taken = self._broker.logs[place][at : at + left] if place in self._assigned else []
            if until_ms is not None:
                taken = list(takewhile(lambda one: one is None or one.timestamp <= until_ms, taken))
            if taken:
                self._at[place] = at + len(taken)
                found[place] = [record for record in taken if record is not None]
                left -= len(taken)
        return {place: records for place, records in found.items() if records}

    async def beginning_offsets(self, places: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
        await self._call()
        return dict.fromkeys(places, 0)

    async def end_offsets(self, places: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
        await self._call()
        if self._life.chance.random() < NO_LEADER_SHARE:
            raise KafkaConnectionError("the partition's leader moves")
        return {place: self._broker.end(place) for place in places}

    async def committed(self, place: TopicPartition) -> int | None:
        await self._call()
        return self._broker.committed.get(place)

    async def commit(self, offsets: Mapping[TopicPartition, int]) -> None:
        """Refused to a member that the group does not count in, and not heard by a deaf one."""
        await self._call()
        if asyncio.get_running_loop().time() < self.deaf_until_s:
            await asyncio.sleep(REQUEST_S)
            raise KafkaConnectionError("the coordinator keeps silent")
        if self._group is not None and not self._group.counts(self._life.name, self._generation):
            raise CommitFailedError("not a member of this generation")
        self._broker.committed |= offsets

    def _hears(self) -> bool:
        return self._broker.reachable and not self._life.cut_off

    async def _call(self) -> None:
        await self._life.reach()
        if not self._hears():
            await asyncio.sleep(REQUEST_S)
            raise KafkaConnectionError("the broker is away")

    async def _coordinate(self, group: Group, listener: ConsumerRebalanceListener) -> None:
        """Heartbeats, and a rebalance when one is not accepted."""
        loop = asyncio.get_running_loop()
        while True:
            await self._life.reach()
            hears = loop.time() >= self.deaf_until_s and self._hears()
            if hears and not group.hear(self._life.name, self._generation):
                await self._rejoin(group, listener)
            await asyncio.sleep(self._session_s / HEARTBEATS_PER_SESSION)

    async def _rejoin(self, group: Group, listener: ConsumerRebalanceListener) -> None:
        self._life.say(self._life.name, "revoked", self._assigned)
        await listener.on_partitions_revoked(self._assigned)
        await self._life.back()
        self._generation, self._assigned = await group.join(self._life.name)
        await self._life.back()
        self._life.say(self._life.name, "assigned", self._assigned)
        self._at = dict.fromkeys(self._assigned, 0)
        await listener.on_partitions_assigned(self._assigned)


class Batch:
    """What `create_batch` gives: rows until it is full."""

    def __init__(self, rows_max: int) -> None:
        self.rows: list[tuple[bytes | None, bytes | None, Sequence[Any]]] = []
        self._rows_max = rows_max

    def append(self, *, key: bytes | None, value: bytes, timestamp: None, headers: Sequence[Any]) -> object | None:
        if len(self.rows) == self._rows_max:
            return None
        self.rows.append((key, value, headers))
        return self

    def close(self) -> None:
        return

    def record_count(self) -> int:
        return len(self.rows)


class Producer:
    """Appends a batch whole, or not; and may fail to say which."""

    def __init__(self, broker: Broker, life: Life) -> None:
        self._broker = broker
        self._life = life
        self._sends: list[asyncio.Task[None]] = []
        self._sender = None
        self.client = self

    async def start(self) -> None:
        await self._life.reach()
        if not self._broker.reachable or self._life.cut_off:
            raise KafkaConnectionError("the broker is away")

    async def stop(self) -> None:
        for sending in self._sends:
            sending.cancel()

    async def close(self) -> None:
        """As the client that a cut-off producer leaves."""
        await self.stop()

    def create_batch(self) -> Batch:
        return Batch(self._life.chance.randint(1, BATCH_ROWS_MAX))

    async def send_batch(self, batch: Batch, topic: str, *, partition: int) -> "asyncio.Future[None]":
        sending = asyncio.create_task(self._send(batch, TopicPartition(topic, partition)))
        self._sends.append(sending)
        return sending

    async def _send(self, batch: Batch, place: TopicPartition) -> None:
        trap = self._life.trapped("die_before_send", "die_after_send", "ack_lost", "refused", "late")
        await self._life.reach()
        if trap == "die_before_send":
            self._life.end()
        await self._life.back()
        if trap == "late":
            await self._late(batch, place)
        if trap == "refused":
            raise OutOfOrderSequenceNumber
        if not self._broker.reachable or self._life.cut_off:
            await asyncio.sleep(REQUEST_S)
            raise KafkaConnectionError("the broker is away")
        self._append(batch, place)
        if trap == "die_after_send":
            self._life.end()
        if trap == "ack_lost":
            raise KafkaConnectionError("no answer to the produce request")
        await self._life.back()

    async def _late(self, batch: Batch, place: TopicPartition) -> None:
        """The request lies somewhere on the way, and arrives when nobody waits for it any more."""
        asyncio.get_running_loop().call_later(self._life.chance.uniform(0.1, 5), self._append, batch, place)
        raise KafkaConnectionError("no answer to the produce request")

    def _append(self, batch: Batch, place: TopicPartition) -> None:
        for key, value, headers in batch.rows:
            self._broker.append(place, key, value, headers)
