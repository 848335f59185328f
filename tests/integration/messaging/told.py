"""What the tally put on Kafka, as a consumer sees it."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from shared.messaging.stream import SEQ_HEADER


@dataclass(frozen=True)
class Out:
    """One record the tally sent, and on which partition."""

    place: str
    source: str
    seq: int
    subject: str


def first_appearances(out: Sequence[Out]) -> list[Out]:
    """What a consumer keeps: per partition and source only what is newer than all it saw before."""
    marks: dict[tuple[str, str], int] = {}
    kept = []
    for one in out:
        lane = (one.place, one.source)
        if one.seq > marks.get(lane, 0):
            marks[lane] = one.seq
            kept.append(one)
    return kept


def seq_of(record: Any) -> int:
    return int(dict(record.headers)[SEQ_HEADER])


def subject_of(record: Any) -> str:
    if record.topic.endswith(".dead-letter"):
        return ""
    return str(json.loads(record.value)["subject"])
