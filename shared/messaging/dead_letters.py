"""The dead-letter table's statements: what was refused, kept whole, with its place and the reason."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

import orjson
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.messaging.stream import Record, ShardId


class DeadLetter(NamedTuple):
    """One refused record and why."""

    record: Record
    reason: str
    detail: str


_INSERT = sa.text(
    """INSERT INTO dead_letter (stream, topic, partition, position, key, value, headers, reason, detail, rejected_at)
       SELECT :stream, d.topic, d.partition, d.position, d.key, d.value, d.headers::jsonb, d.reason, d.detail, :now
       FROM unnest(:topics, :partitions, :positions, :keys, :values, :headers, :reasons, :details)
            AS d (topic, partition, position, key, value, headers, reason, detail)
       ON CONFLICT DO NOTHING"""
).bindparams(
    sa.bindparam("topics", type_=ARRAY(sa.Text)),
    sa.bindparam("partitions", type_=ARRAY(sa.Integer)),
    sa.bindparam("positions", type_=ARRAY(sa.BigInteger)),
    sa.bindparam("keys", type_=ARRAY(sa.LargeBinary)),
    sa.bindparam("values", type_=ARRAY(sa.LargeBinary)),
    sa.bindparam("headers", type_=ARRAY(sa.Text)),
    sa.bindparam("reasons", type_=ARRAY(sa.Text)),
    sa.bindparam("details", type_=ARRAY(sa.Text)),
    sa.bindparam("now", type_=sa.DateTime(timezone=True)),
)
_LIST = sa.text(
    """SELECT id, stream, topic, partition, position, reason, detail, rejected_at FROM dead_letter
       WHERE id > :after AND (CAST(:reason AS text) IS NULL OR reason = :reason) ORDER BY id LIMIT :rows_max"""
)


async def insert(connection: AsyncConnection, shard: ShardId, letters: Sequence[DeadLetter], now: datetime) -> None:
    """Keep refused records whole: payload, headers, place, reason."""
    records = [letter.record for letter in letters]
    await connection.execute(
        _INSERT,
        {
            "stream": shard.stream,
            "topics": [r.topic for r in records],
            "partitions": [r.partition for r in records],
            "positions": [r.offset for r in records],
            "keys": [r.key for r in records],
            "values": [r.value for r in records],
            "headers": [_header_json(r) for r in records],
            "reasons": [letter.reason for letter in letters],
            "details": [letter.detail.replace("\x00", "\\0") for letter in letters],
            "now": now,
        },
    )


async def listed(connection: AsyncConnection, *, after: int, reason: str | None, rows_max: int) -> list[dict[str, Any]]:
    """Dead letters by id, without their payloads (those may hold personal data)."""
    found = await connection.execute(_LIST, {"after": after, "reason": reason, "rows_max": rows_max})
    return [dict(row._mapping) for row in found]


def _header_json(record: Record) -> str:
    # Header bytes may be anything: what is not text is kept as hexadecimal.
    pairs = [[name.replace("\x00", "\\0"), _printable(raw)] for name, raw in record.headers]
    return orjson.dumps(pairs).decode()


def _printable(raw: bytes | None) -> str | None:
    if raw is None:
        return None
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        return "hex:" + raw.hex()
    return "hex:" + raw.hex() if "\x00" in text else text
