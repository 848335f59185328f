"""Whether a service is through with everything it was given: a pure reading of its GET /progress."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from shared.contracts.topics import BY_NAME

Ends = Mapping[tuple[str, int], int]
"""Topic and partition -> offset after its last record."""


def unfinished(service: str, progress: Mapping[str, Any], ends: Ends, now: datetime) -> str:
    """What the service still has to do, in words for a person; empty when nothing is left.

    `now` is where its clock must have got to; `ends` are the topics' ends at a moment after which it is not asked.
    """
    return next(_left(service, progress, ends, now), "")


def _left(service: str, progress: Mapping[str, Any], ends: Ends, now: datetime) -> Iterator[str]:
    if datetime.fromisoformat(progress["clock"]) < now:
        yield f"its clock reads {progress['clock']}"
    shards = [(f"{stream}.{n}", shard) for stream, owned in progress["owned"].items() for n, shard in owned.items()]
    for (topic, partition), end in ends.items():
        if service in BY_NAME[topic].consumers:
            offset = _offset(shards, topic, partition)
            if offset < end:
                yield f"{end - offset} records of {topic}/{partition} are not applied"
    lanes = [*shards, ("commands", progress["commands"])]
    yield from (f"{name} has events to relay" for name, lane in lanes if lane["emitted"] != lane["relayed"])
    yield from (f"{name} has work left" for name, shard in shards if shard["work"])
    yield from (f"{count} {name} pending" for name, count in progress["pending"].items() if count)


def _offset(shards: list[tuple[str, Any]], topic: str, partition: int) -> int:
    """How far a partition is applied; a broadcast topic as far as by the last of all shards."""
    if BY_NAME[topic].broadcast:
        return min((shard["offsets"].get(topic, 0) for _, shard in shards), default=0)
    own = [shard["offsets"].get(topic, 0) for name, shard in shards if name.endswith(f".{partition}")]
    return max(own, default=0)
