"""Broadcast topics: read once a process, handed to each of its shards behind a barrier.

A broadcast record (a business day's close) is a barrier: it is due in a shard only once the shard has applied
everything that lay on its own partitions when the record was seen. So what core banking published before is in it.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Protocol

import structlog
from aiokafka import TopicPartition
from aiokafka.errors import KafkaError, OffsetOutOfRangeError

from shared.messaging import retry
from shared.messaging.kafka import record_of, start_patiently
from shared.messaging.stream import Record

ROUND_MS: Final = 200
"""How long a shard that joins may wait to be served."""

log = structlog.get_logger()


class Listener(Protocol):
    """A shard's feed, as this module sees it."""

    @property
    def partitions(self) -> Sequence[TopicPartition]:
        """The shard's own partitions."""

    def wanted(self, topic: str) -> int:
        """The next offset of a broadcast topic to announce."""

    def announce(self, record: Record, after: Mapping[TopicPartition, int]) -> None:
        """A record, due once the shard has applied up to `after`; passed over when it is not wanted."""

    def fail(self, error: KafkaError) -> None:
        """What is wanted next is not there."""


class Broadcast:
    """One reader of the broadcast topics of a process, shared by its shards."""

    def __init__(self, make_reader: Callable[[], Any], topics: Sequence[str]) -> None:
        self._make_reader = make_reader
        self.places = [TopicPartition(topic, 0) for topic in topics]
        self._reader: Any = None
        # As ordered sets: what happens must not depend on where objects lie in memory.
        self._listeners: dict[Listener, None] = {}
        self._joining: dict[Listener, None] = {}

    def join(self, listener: Listener) -> None:
        """Serve a shard from the offsets it wants, as of the reader's next round."""
        self._joining[listener] = None

    def leave(self, listener: Listener) -> None:
        """Serve it no longer."""
        self._listeners.pop(listener, None)
        self._joining.pop(listener, None)

    async def run(self, stop: asyncio.Event) -> None:
        """Announce each record to each shard with the barrier it has to pass."""
        self._reader = await start_patiently(self._make_reader, stop, "broadcast")
        if self._reader is None:
            return
        try:
            await self._rounds(stop)
        finally:
            await self._reader.stop()

    async def _rounds(self, stop: asyncio.Event) -> None:
        waits = retry.backoff_s()
        while not stop.is_set():
            try:
                await self._admit()
                await self._round()
                waits = retry.backoff_s()
            except Exception as error:
                if not retry.is_passing(error):
                    raise
                log.warning("broadcast_waits", error=type(error).__name__)
                if isinstance(error, OffsetOutOfRangeError):
                    self._let_go(error)
                # What was read may not have been announced: everybody is served anew from what they want.
                self._joining |= self._listeners
                await retry.sleep_unless(stop, next(waits))

    def _let_go(self, error: KafkaError) -> None:
        """A topic made anew, or deleted unread while it was read: each shard has to find out what it misses."""
        for listener in self._listeners:
            listener.fail(error)
        self._listeners.clear()

    async def _admit(self) -> None:
        """Take in new shards between two reads, so that what they get next is gapless from what they want."""
        if not self._joining:
            return
        firsts = await self._reader.beginning_offsets(self.places)
        at = {tp: await self._reader.position(tp) for tp in self.places if self._listeners}
        if not self._joining:  # they left meanwhile
            return
        for tp in self.places:
            wanted = max(firsts[tp], min(listener.wanted(tp.topic) for listener in self._joining))
            if tp not in at or at[tp] > wanted:
                self._reader.seek(tp, wanted)
        self._listeners |= self._joining
        self._joining.clear()

    async def _round(self) -> None:
        if not self._listeners:
            await asyncio.sleep(ROUND_MS / 1000)
            return
        found = await self._reader.getmany(timeout_ms=ROUND_MS)
        records = [record_of(r) for batch in found.values() for r in batch]
        if not records or not self._listeners:
            return
        ends = await self._reader.end_offsets([tp for one in self._listeners for tp in one.partitions])
        for listener in list(self._listeners):
            if all(tp in ends for tp in listener.partitions):
                after = {tp: ends[tp] for tp in listener.partitions}
                for record in records:
                    listener.announce(record, after)
