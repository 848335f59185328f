"""What a shard reads becomes events, or reasons why not, while the batch before is still being applied.

Apart from the loop: a batch is decoded as part of reading it ahead, so that the time in which a transaction waits for
the database is not lost.
"""

import asyncio
from collections.abc import Sequence
from typing import Any, Final

from shared.contracts.envelope import decode
from shared.contracts.topics import BY_NAME
from shared.messaging.kafka import record_of
from shared.messaging.stream import Received, Record, Refused, source_of
from shared.vocabulary.errors import Rejected

YIELD_EVERY: Final = 200
"""Records decoded between two breaths of the event loop: heartbeats and answers of the database wait no longer."""


async def decoded_all(found: Sequence[Any]) -> list[Received | Refused]:
    """aiokafka's records, decoded, in the same order."""
    read: list[Received | Refused] = []
    for index, raw in enumerate(found, 1):
        read.append(decoded(record_of(raw)))
        if index % YIELD_EVERY == 0:
            await asyncio.sleep(0)
    return read


def decoded(record: Record) -> Received | Refused:
    """One record's event, or why it has none."""
    # Core banking's records carry no sequence of ours, whatever their headers say.
    ours = record.headers and BY_NAME[record.topic].publisher != "core"
    source, seq = source_of(record.headers) if ours else (None, 0)
    try:
        # Our own records are always in structured mode: their headers need no second look.
        event = decode(record.topic, record.value, () if source else record.headers)
    except Rejected as refusal:
        return Refused(record, refusal, source, seq)
    return Received(event, record, source, seq)
