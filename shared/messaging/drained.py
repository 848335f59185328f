"""Whether a service has applied all that lies on its topics and has sent all that came of it.

The proof that partitions may be added: once nothing lies unread on the old partition of a key, whatever comes on its
new one comes after.
"""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.messaging import dead_letters, halts, store
from shared.messaging.sharding import Sharding
from shared.messaging.stream import ShardId, Stream
from shared.messaging.topology import places_of

BROKER_S: Final = 20.0
"""How long the broker may take to answer: the database ends a transaction that stands still for longer than 30 s."""
LOOK_MS: Final = 500
SILENT_LOOKS: Final = 6
"""Reads without a step ahead, after which a partition counts as one with unread records."""

Ends = Mapping[TopicPartition, int]


def topics_of(streams: Sequence[Stream]) -> list[str]:
    """Everything a service reads."""
    return sorted({topic for stream in streams for topic in (*stream.topics, *stream.broadcast)})


async def ends_of(bootstrap: str, topics: Sequence[str]) -> Ends:
    """The end of each partition of these topics, open transactions included. Misconfigured when one is missing."""
    async with asyncio.timeout(BROKER_S):
        places = await places_of(bootstrap, topics)
        consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, enable_auto_commit=False)
        await consumer.start()
        try:
            ends: Ends = await consumer.end_offsets(places)
        finally:
            await consumer.stop()
    return ends


async def undrained(
    connection: AsyncConnection, bootstrap: str, streams: Sequence[Stream], sharding: Sharding, ends: Ends
) -> list[str]:
    """A sentence for each thing that is not finished; none: the service is drained."""
    shards = await store.progress(connection)
    found = [
        f"{row['stream']}.{row['partition']}: {row['emitted'] - row['relayed']} records wait for Kafka"
        for row in shards
        if row["emitted"] > row["relayed"]
    ]
    found += [f"{ShardId(one['stream'], one['partition'])} stands still" for one in await halts.stopped(connection)]
    if queued := await dead_letters.asked_count(connection):
        found.append(f"{queued} redrives wait for their shard")
    known = {row["stream"] for row in shards}
    found += [f"stream {stream.name} was never read" for stream in streams if stream.name not in known]
    applied = _applied(streams, shards)
    found += await _unread(
        bootstrap, {place: offset for place, offset in applied.items() if offset < ends.get(place, 0)}, ends
    )
    return [*found, *await sharding.unsettled(connection, _counts(shards))]


def _counts(shards: Sequence[Mapping[str, Any]]) -> Mapping[str, int]:
    names = [row["stream"] for row in shards]
    return {name: names.count(name) for name in names}


def _applied(streams: Sequence[Stream], shards: Sequence[Mapping[str, Any]]) -> dict[TopicPartition, int]:
    """How far each partition of a shard is applied; a broadcast one, by the shard that is furthest behind."""
    applied: dict[TopicPartition, int] = {}
    for place, offset in _offsets(streams, shards):
        applied[place] = min(offset, applied.get(place, offset))
    return applied


def _offsets(streams: Sequence[Stream], shards: Sequence[Mapping[str, Any]]) -> Iterator[tuple[TopicPartition, int]]:
    for stream in streams:
        for row in (row for row in shards if row["stream"] == stream.name):
            for topic in stream.topics:
                yield TopicPartition(topic, row["partition"]), row["offsets"].get(topic, 0)
            for topic in stream.broadcast:
                yield TopicPartition(topic, 0), row["offsets"].get(topic, 0)


async def _unread(bootstrap: str, behind: Mapping[TopicPartition, int], ends: Ends) -> list[str]:
    """Those of the partitions that have records between the two offsets: there may be none, but a transaction's end."""
    if not behind:
        return []
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap, enable_auto_commit=False, auto_offset_reset="earliest",
        isolation_level="read_committed",
    )  # fmt: skip
    await consumer.start()
    try:
        unread = [place for place, offset in behind.items() if await _has_records(consumer, place, offset, ends[place])]
    finally:
        await consumer.stop()
    return [f"{p.topic} {p.partition}: applied to {behind[p]} of {ends[p]}" for p in sorted(unread)]


async def _has_records(consumer: Any, place: TopicPartition, offset: int, end: int) -> bool:
    consumer.assign([place])
    consumer.seek(place, offset)
    silent = 0
    while (reached := await consumer.position(place)) < end:
        if (await consumer.getmany(place, timeout_ms=LOOK_MS)).get(place):
            return True
        silent = silent + 1 if await consumer.position(place) == reached else 0
        if silent >= SILENT_LOOKS:
            return True
    return False
