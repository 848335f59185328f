"""Every statement of the loop: the shard row, the outbox, the relay's progress, dead letters."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

import orjson
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.messaging.stream import Record, ShardId, ShardState


class OutboxRow(NamedTuple):
    """One outgoing record; `seq` is gapless per shard and in commit order."""

    seq: int
    topic: str
    to_partition: int
    key: bytes | None
    value: bytes
    headers: str | None = None
    """Extra headers as a JSON object of texts, on dead letters."""


class DeadLetter(NamedTuple):
    """One refused record and why."""

    record: Record
    reason: str
    detail: str


def _json(name: str) -> sa.BindParameter[Any]:
    return sa.bindparam(name, type_=JSONB)


_INSERT_SHARD = sa.text(
    """INSERT INTO shard (stream, partition, epoch, next_seq, offsets, watermarks, counters)
       VALUES (:stream, :partition, 0, 1, '{}', '{}', '{}') ON CONFLICT DO NOTHING"""
)
_INSERT_RELAY = sa.text(
    """INSERT INTO relay (stream, partition, epoch, relayed_seq)
       VALUES (:stream, :partition, 0, 0) ON CONFLICT DO NOTHING"""
)
# A new owner takes the next epoch: whoever held the shard before is fenced from here on.
_ACQUIRE_SHARD = sa.text(
    """UPDATE shard SET epoch = epoch + 1 WHERE stream = :stream AND partition = :partition
       RETURNING epoch, next_seq, offsets, watermarks, counters"""
).columns(offsets=JSONB, watermarks=JSONB, counters=JSONB)
_ACQUIRE_RELAY = sa.text(
    """UPDATE relay SET epoch = :epoch WHERE stream = :stream AND partition = :partition AND epoch <= :epoch
       RETURNING relayed_seq"""
)
_LOCK_SHARD = sa.text(
    """SELECT epoch, next_seq, offsets, watermarks, counters FROM shard
       WHERE stream = :stream AND partition = :partition FOR UPDATE"""
).columns(offsets=JSONB, watermarks=JSONB, counters=JSONB)
_SAVE_SHARD = sa.text(
    """UPDATE shard SET next_seq = :next_seq, offsets = :offsets, watermarks = :watermarks, counters = :counters
       WHERE stream = :stream AND partition = :partition"""
).bindparams(_json("offsets"), _json("watermarks"), _json("counters"))
_APPEND_OUTBOX = sa.text(
    """INSERT INTO outbox (stream, partition, seq, topic, to_partition, key, value, headers)
       SELECT :stream, :partition, o.* FROM unnest(:seqs, :topics, :to_partitions, :keys, :values, :headers)
              AS o (seq, topic, to_partition, key, value, headers)"""
).bindparams(
    sa.bindparam("seqs", type_=ARRAY(sa.BigInteger)),
    sa.bindparam("topics", type_=ARRAY(sa.Text)),
    sa.bindparam("to_partitions", type_=ARRAY(sa.Integer)),
    sa.bindparam("keys", type_=ARRAY(sa.LargeBinary)),
    sa.bindparam("values", type_=ARRAY(sa.LargeBinary)),
    sa.bindparam("headers", type_=ARRAY(sa.Text)),
)
_READ_OUTBOX = sa.text(
    """SELECT seq, topic, to_partition, key, value, headers FROM outbox
       WHERE stream = :stream AND partition = :partition AND seq > :after ORDER BY seq LIMIT :rows_max"""
)
# Losing this note in a crash only makes the relay repeat itself, which watermarks absorb: no fsync for it.
_NO_FSYNC = sa.text("SET LOCAL synchronous_commit = off")
_ADVANCE_RELAY = sa.text(
    """UPDATE relay SET relayed_seq = :seq
       WHERE stream = :stream AND partition = :partition AND epoch = :epoch AND relayed_seq < :seq"""
)
_INSERT_DEAD_LETTERS = sa.text(
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
_LIST_DEAD_LETTERS = sa.text(
    """SELECT id, stream, topic, partition, position, reason, detail, rejected_at FROM dead_letter
       WHERE id > :after AND (CAST(:reason AS text) IS NULL OR reason = :reason) ORDER BY id LIMIT :rows_max"""
)
_PROGRESS = sa.text(
    """SELECT s.stream, s.partition, s.next_seq - 1 AS emitted, coalesce(r.relayed_seq, 0) AS relayed,
              s.offsets, s.counters
       FROM shard s LEFT JOIN relay r USING (stream, partition) ORDER BY s.stream, s.partition"""
).columns(offsets=JSONB, counters=JSONB)


def _key(shard: ShardId) -> dict[str, Any]:
    return {"stream": shard.stream, "partition": shard.partition}


def _state(row: Any) -> ShardState:
    return ShardState(row.epoch, row.next_seq, dict(row.offsets), dict(row.watermarks), dict(row.counters))


async def acquire(connection: AsyncConnection, shard: ShardId) -> tuple[ShardState, int]:
    """Take the shard's next epoch; its state and the last relayed sequence."""
    await ensure(connection, shard)
    state = _state((await connection.execute(_ACQUIRE_SHARD, _key(shard))).one())
    relayed = await connection.execute(_ACQUIRE_RELAY, {**_key(shard), "epoch": state.epoch})
    return state, relayed.scalar_one()


async def ensure(connection: AsyncConnection, shard: ShardId) -> None:
    """Make sure that the shard has its rows."""
    await connection.execute(_INSERT_SHARD, _key(shard))
    await connection.execute(_INSERT_RELAY, _key(shard))


async def lock(connection: AsyncConnection, shard: ShardId) -> ShardState:
    """The shard's row, locked until the transaction ends."""
    return _state((await connection.execute(_LOCK_SHARD, _key(shard))).one())


async def save(connection: AsyncConnection, shard: ShardId, state: ShardState) -> None:
    """Write the locked row back."""
    await connection.execute(
        _SAVE_SHARD,
        {
            **_key(shard),
            "next_seq": state.next_seq,
            "offsets": state.offsets,
            "watermarks": state.watermarks,
            "counters": state.counters,
        },
    )


async def append_outbox(connection: AsyncConnection, shard: ShardId, rows: Sequence[OutboxRow]) -> None:
    """Append outgoing records in one statement."""
    seqs, topics, to_partitions, keys, values, headers = zip(*rows, strict=True)
    await connection.execute(
        _APPEND_OUTBOX,
        {
            **_key(shard),
            "seqs": list(seqs),
            "topics": list(topics),
            "to_partitions": list(to_partitions),
            "keys": list(keys),
            "values": list(values),
            "headers": list(headers),
        },
    )


async def read_outbox(connection: AsyncConnection, shard: ShardId, after: int, rows_max: int) -> list[OutboxRow]:
    """Committed outgoing records after a sequence, in order."""
    found = await connection.execute(_READ_OUTBOX, {**_key(shard), "after": after, "rows_max": rows_max})
    return [OutboxRow(*row) for row in found]


async def advance_relay(connection: AsyncConnection, shard: ShardId, epoch: int, seq: int) -> None:
    """Note what Kafka has acknowledged; without effect for an older epoch."""
    await connection.execute(_NO_FSYNC)
    await connection.execute(_ADVANCE_RELAY, {**_key(shard), "epoch": epoch, "seq": seq})


async def insert_dead_letters(
    connection: AsyncConnection, shard: ShardId, letters: Sequence[DeadLetter], now: datetime
) -> None:
    """Keep refused records whole: payload, headers, place, reason."""
    records = [letter.record for letter in letters]
    await connection.execute(
        _INSERT_DEAD_LETTERS,
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


async def dead_letters(
    connection: AsyncConnection, *, after: int, reason: str | None, rows_max: int
) -> list[dict[str, Any]]:
    """Dead letters by id, without their payloads (those may hold personal data)."""
    found = await connection.execute(_LIST_DEAD_LETTERS, {"after": after, "reason": reason, "rows_max": rows_max})
    return [dict(row._mapping) for row in found]


async def progress(connection: AsyncConnection) -> list[dict[str, Any]]:
    """Each shard's offsets, sequences and counters as committed."""
    return [dict(row._mapping) for row in await connection.execute(_PROGRESS)]
