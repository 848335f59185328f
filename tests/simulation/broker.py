"""A broker in memory: logs with offsets, and consumer groups that spread partitions and lose members.

What is said of time and failure is on the clients' side (clients.py); here is only what the broker knows.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from aiokafka import TopicPartition

REBALANCE_S = 1.0


class Written(NamedTuple):
    """A record as a client reads it, and when it was appended, in milliseconds."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes | None]]
    timestamp: int


class Broker:
    """All topics of one world."""

    def __init__(self, partitions: Mapping[str, int]) -> None:
        self.partitions = partitions
        self.logs: dict[TopicPartition, list[Written | None]] = {
            TopicPartition(topic, n): [] for topic, count in partitions.items() for n in range(count)
        }
        self.groups: dict[str, Group] = {}
        self.committed: dict[TopicPartition, int] = {}
        self.reachable = True
        self.watch: Callable[[Written], None] = lambda _: None
        """Sees each record when it is appended."""
        self._arrived = asyncio.Event()

    def append(self, place: TopicPartition, key: bytes | None, value: bytes | None, headers: Sequence[Any]) -> None:
        """One record at the end of a partition."""
        log = self.logs[place]
        now_ms = int(asyncio.get_running_loop().time() * 1000)
        record = Written(place.topic, place.partition, len(log), key, value, tuple(headers), now_ms)
        log.append(record)
        self.watch(record)
        self._arrived.set()
        self._arrived = asyncio.Event()

    def append_gap(self, place: TopicPartition) -> None:
        """An offset without a record, as transaction markers leave."""
        self.logs[place].append(None)

    def end(self, place: TopicPartition) -> int:
        return len(self.logs[place])

    async def arrival(self, within_s: float) -> None:
        """Return when anything was appended, or when the time is over."""
        try:
            async with asyncio.timeout(within_s):
                await self._arrived.wait()
        except TimeoutError:
            return

    def group(self, name: str, topics: Sequence[str], session_s: float) -> "Group":
        if name not in self.groups:
            self.groups[name] = Group(topics, self.partitions[topics[0]], session_s)
        return self.groups[name]


class Group:
    """Members by name, and which generation they are to be of."""

    def __init__(self, topics: Sequence[str], partitions: int, session_s: float) -> None:
        self.generation = 0
        self._topics = topics
        self._partitions = partitions
        self._session_s = session_s
        self._seen: dict[str, float] = {}
        self._joining: dict[str, asyncio.Future[tuple[int, list[TopicPartition]]]] = {}
        self._timer: asyncio.TimerHandle | None = None

    def hear(self, name: str, generation: int) -> bool:
        """A heartbeat; False asks the member to join (again)."""
        now = asyncio.get_running_loop().time()
        silent = [one for one, seen in self._seen.items() if now - seen > self._session_s]
        for one in silent:
            self.drop(one)
        if not self.counts(name, generation):
            return False
        self._seen[name] = now
        return True

    def counts(self, name: str, generation: int) -> bool:
        """Whether it is a member of the present generation."""
        return name in self._seen and generation == self.generation

    def join(self, name: str) -> "asyncio.Future[tuple[int, list[TopicPartition]]]":
        """Resolves with the generation and the member's partitions once everybody has joined or is given up."""
        loop = asyncio.get_running_loop()
        if name not in self._seen:
            self._rebalance()
        self._seen[name] = loop.time()
        joined = self._joining[name] = loop.create_future()
        if self._timer is None:
            self._timer = loop.call_later(REBALANCE_S, self._complete)
        if self._joining.keys() >= self._seen.keys():
            self._complete()
        return joined

    def drop(self, name: str) -> None:
        """A member left, fell silent or was expelled."""
        if self._seen.pop(name, None) is not None:
            joining = self._joining.pop(name, None)
            if joining is not None and not joining.done():
                joining.set_result((0, []))  # of no generation: its next heartbeat has it join again
            self._rebalance()

    def _rebalance(self) -> None:
        self.generation += 1

    def _complete(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        joined, self._joining = self._joining, {}
        self._seen = {name: seen for name, seen in self._seen.items() if name in joined}
        self.generation += 1
        names = sorted(joined)
        for index, name in enumerate(names):
            own = range(index * self._partitions // len(names), (index + 1) * self._partitions // len(names))
            places = [TopicPartition(topic, n) for topic in self._topics for n in own]
            self._seen[name] = asyncio.get_running_loop().time()
            if not joined[name].done():
                joined[name].set_result((self.generation, places))
