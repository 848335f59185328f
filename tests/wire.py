"""Kafka record batches byte by byte, for what no well-behaved producer would send."""

import struct
from collections.abc import Sequence
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.record.default_records import _DefaultRecordBatchBuilderPy

Wire = tuple[bytes | None, bytes | None, Sequence[tuple[bytes, bytes | None]]]
"""Key, value, headers."""
BATCH_BYTES_MAX = 4_000_000


class _Raw(str):
    """A header name that goes out as other bytes than its text."""

    raw: bytes

    def encode(self, encoding: str = "utf-8", errors: str = "strict") -> bytes:
        return self.raw


def builder(producer: int = -1) -> Any:
    """aiokafka's plain Python builder, which encodes each header name by itself; transactional for a producer."""
    return _DefaultRecordBatchBuilderPy(
        2, 0, is_transactional=producer >= 0, producer_id=producer, producer_epoch=-1, base_sequence=-1,
        batch_size=BATCH_BYTES_MAX,
    )  # fmt: skip


def named(headers: Sequence[tuple[bytes, bytes | None]]) -> list[tuple[str, bytes | None]]:
    """Headers whose names go out as exactly these bytes."""
    return [(_name(name), value) for name, value in headers]


def batch(records: Sequence[Wire], first_offset: int = 0, producer: int = -1) -> bytes:
    """One record batch as a broker keeps it, of a transaction where a producer is named."""
    building = builder(producer)
    for offset, (key, value, headers) in enumerate(records):
        building.append(offset, 0, key, value, named(headers))
    # The offset lies before what the checksum covers: the broker puts it there.
    return struct.pack(">q", first_offset) + bytes(building.build())[8:]


async def send(kafka: str, topic: str, partition: int, *batches: Sequence[Wire]) -> None:
    """Publish records as they are; aiokafka's idempotent producer insists on its own builder."""
    async with AIOKafkaProducer(bootstrap_servers=kafka, acks="all", max_request_size=BATCH_BYTES_MAX) as producer:
        for records in batches:
            building = producer.create_batch()
            building._builder = builder()
            for key, value, headers in records:
                assert building.append(timestamp=None, key=key, value=value, headers=named(headers)) is not None
            await (await producer.send_batch(building, topic, partition=partition))


def _name(raw: bytes) -> str:
    name = _Raw("?")
    name.raw = raw
    return name
