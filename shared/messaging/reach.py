"""Whether Kafka still has what a shard is to read next, in words where it has not.

A topic made anew, or one that lost its end, goes on below the shard's offset, and everything there would be taken for
applied; what retention deleted unread would be missed by nobody.
"""

from collections.abc import Mapping

from aiokafka import TopicPartition

Bounds = Mapping[TopicPartition, tuple[int, int]]
"""The first offset that Kafka has and the one after its last."""


def out_of_reach(offsets: Mapping[str, int], bounds: Bounds) -> dict[TopicPartition, str]:
    """Why the next record is not there. A topic never read has no offset, or 0, and begins where it does."""
    found = {}
    for tp, (first, end) in bounds.items():
        at, place = offsets.get(tp.topic, 0), f"{tp.topic}/{tp.partition}"
        if at > end:
            found[tp] = f"{place} was read up to {at} and ends at {end}: it was made anew, or has lost its end"
        elif 0 < at < first:
            found[tp] = f"{place} was read up to {at} and begins at {first}: what lay between was deleted unread"
    return found
