"""The dead letters' statements: what was refused, kept whole to the byte, and what was done about it since."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

import orjson
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.messaging.header_names import KEPT
from shared.messaging.stream import Record, ShardId


class DeadLetter(NamedTuple):
    """One refused record and why."""

    record: Record
    reason: str
    detail: str


class Queued(NamedTuple):
    """One dead letter that a shard is to try again: the record as it came, or with a corrected value."""

    id: int
    record: Record


class Tried(NamedTuple):
    """How one redrive ended in one shard: accepted, or refused again and why."""

    id: int
    accepted: bool
    reason: str = ""
    detail: str = ""


class Wanted(NamedTuple):
    """Which dead letters to list; what is None does not matter."""

    reason: str | None = None
    topic: str | None = None
    state: str | None = None
    since: datetime | None = None
    until: datetime | None = None


def _array(name: str, kind: Any) -> sa.BindParameter[Any]:
    return sa.bindparam(name, type_=ARRAY(kind))


def _instant(name: str) -> sa.BindParameter[Any]:
    return sa.bindparam(name, type_=sa.DateTime(timezone=True))


_INSERT = sa.text(
    """INSERT INTO dead_letter
              (stream, topic, partition, position, key, value, header_pairs, reason, detail, rejected_at)
       SELECT :stream, d.topic, d.partition, d.position, d.key, d.value, d.headers::jsonb, d.reason, d.detail, :now
       FROM unnest(:topics, :partitions, :positions, :keys, :values, :headers, :reasons, :details)
            AS d (topic, partition, position, key, value, headers, reason, detail)
       ON CONFLICT DO NOTHING"""
).bindparams(
    _array("topics", sa.Text),
    _array("partitions", sa.Integer),
    _array("positions", sa.BigInteger),
    _array("keys", sa.LargeBinary),
    _array("values", sa.LargeBinary),
    _array("headers", sa.Text),
    _array("reasons", sa.Text),
    _array("details", sa.Text),
    _instant("now"),
)
_HEAD = """id, stream, topic, partition, position, reason, detail, state, tries, rejected_at,
           coalesce(length(value), 0) AS bytes"""
_LIST = sa.text(
    f"""SELECT {_HEAD} FROM dead_letter
        WHERE id > :after
          AND (CAST(:reason AS text) IS NULL OR reason = :reason)
          AND (CAST(:topic AS text) IS NULL OR topic = :topic)
          AND (CAST(:state AS text) IS NULL OR state = :state)
          AND (CAST(:since AS timestamptz) IS NULL OR rejected_at >= :since)
          AND (CAST(:until AS timestamptz) IS NULL OR rejected_at < :until)
        ORDER BY id LIMIT :rows_max"""  # noqa: S608  put together from this module's own constants
).bindparams(_instant("since"), _instant("until"))
_ONE = f"SELECT {_HEAD}, key, value, header_pairs FROM dead_letter WHERE id = :id"  # noqa: S608  as above
_SHOW = sa.text(_ONE).columns(header_pairs=JSONB)
_LOCK = sa.text(_ONE + " FOR UPDATE").columns(header_pairs=JSONB)
_HISTORY = sa.text(
    """SELECT at, actor, action, reason, refused_for, value IS NOT NULL AS corrected
       FROM dead_letter_history WHERE dead_letter_id = :id ORDER BY id"""
)
_NOTE = sa.text(
    """INSERT INTO dead_letter_history (dead_letter_id, at, actor, action, reason, refused_for, value)
       SELECT id, :now, :actor, :action, :because, reason, :value FROM dead_letter WHERE id = :id"""
).bindparams(_instant("now"), sa.bindparam("value", type_=sa.LargeBinary))
_SET_STATE = sa.text("UPDATE dead_letter SET state = :state WHERE id = :id")
_ASKED = sa.text("SELECT value FROM redrive WHERE dead_letter_id = :id ORDER BY state = 'queued' DESC LIMIT 1")
_FORGET_TRIES = sa.text("DELETE FROM redrive WHERE dead_letter_id = :id AND state <> 'accepted'")
# Every shard reads a broadcast record, so every one that has not taken it yet is to try it.
_ASK = sa.text(
    """INSERT INTO redrive (dead_letter_id, partition, stream, value, state, actor)
       SELECT l.id, s.partition, l.stream, :value, 'queued', :actor
       FROM dead_letter l JOIN shard s ON s.stream = l.stream AND (:broadcast OR s.partition = l.partition)
       WHERE l.id = :id ON CONFLICT DO NOTHING"""
).bindparams(sa.bindparam("value", type_=sa.LargeBinary))
# Locks the letters, in one order for all: a discard, or another shard's try of a broadcast, waits or was first.
# Only the letters: a discard has its letter when it comes to what is asked of it, and would wait for who waits for it.
_TAKE_QUEUED = sa.text(
    """SELECT l.id, l.topic, l.partition, l.position, l.key, l.header_pairs,
              coalesce(r.value, l.value) AS value, r.value IS NOT NULL AS corrected
       FROM redrive r JOIN dead_letter l ON l.id = r.dead_letter_id
       WHERE r.stream = :stream AND r.partition = :partition AND r.state = 'queued' AND l.state = 'queued'
       ORDER BY l.id LIMIT :rows_max FOR UPDATE OF l"""
).columns(header_pairs=JSONB)
_READDRESS = sa.text("UPDATE redrive SET partition = :to WHERE dead_letter_id = :id AND partition = :partition")
_NOTE_TRIED = sa.text(
    """WITH done AS (SELECT * FROM unnest(:ids, :accepted, :reasons, :details) AS d (id, accepted, reason, detail)),
            tried AS (UPDATE redrive r SET state = CASE WHEN d.accepted THEN 'accepted' ELSE 'rejected' END
                      FROM done d WHERE r.dead_letter_id = d.id AND r.partition = :partition)
       INSERT INTO dead_letter_history (dead_letter_id, at, actor, action, reason, refused_for)
       SELECT d.id, :now, :actor, CASE WHEN d.accepted THEN 'accepted' ELSE 'rejected' END,
              CASE WHEN d.accepted THEN '' ELSE d.reason || ': ' || d.detail END, l.reason
       FROM done d JOIN dead_letter l USING (id)"""
)
# After the tries are noted: with none left queued, one refusal is enough to bring the letter back to the list.
_CONCLUDE = sa.text(
    """UPDATE dead_letter l
       SET state = now.state, tries = l.tries + (now.state <> 'queued')::integer,
           reason = CASE WHEN d.accepted THEN l.reason ELSE d.reason END,
           detail = CASE WHEN d.accepted THEN l.detail ELSE d.detail END
       FROM unnest(:ids, :accepted, :reasons, :details) AS d (id, accepted, reason, detail), LATERAL (
           SELECT CASE WHEN bool_or(r.state = 'queued') THEN 'queued' WHEN bool_or(r.state = 'rejected') THEN 'waiting'
                       ELSE 'redriven' END AS state
           FROM redrive r WHERE r.dead_letter_id = d.id) AS now
       WHERE l.id = d.id"""
)
_TRIED = (
    _array("ids", sa.BigInteger),
    _array("accepted", sa.Boolean),
    _array("reasons", sa.Text),
    _array("details", sa.Text),
)
_NOTE_TRIED = _NOTE_TRIED.bindparams(*_TRIED, _instant("now"))
_CONCLUDE = _CONCLUDE.bindparams(*_TRIED)
_SHARDS_ASKED = sa.text("SELECT DISTINCT stream, partition FROM redrive WHERE state = 'queued'")
_ASKED_COUNT = sa.text("SELECT count(*) FROM redrive WHERE state = 'queued'")


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
            "headers": [_pairs(r) for r in records],
            "reasons": [letter.reason for letter in letters],
            "details": [_storable(letter.detail) for letter in letters],
            "now": now,
        },
    )


async def listed(connection: AsyncConnection, wanted: Wanted, *, after: int, rows_max: int) -> list[dict[str, Any]]:
    """Dead letters by id, without their payloads (those may hold personal data)."""
    found = await connection.execute(_LIST, {**wanted._asdict(), "after": after, "rows_max": rows_max})
    return [dict(row._mapping) for row in found]


async def one(connection: AsyncConnection, letter_id: int, *, lock: bool = False) -> dict[str, Any] | None:
    """One dead letter with its key, value and headers as they came; None where there is none of that id."""
    row = (await connection.execute(_LOCK if lock else _SHOW, {"id": letter_id})).first()
    if row is None:
        return None
    return {**row._mapping, "headers": headers_of(row.header_pairs)}


async def history(connection: AsyncConnection, letter_id: int) -> list[dict[str, Any]]:
    """Everything that was done about a dead letter, oldest first."""
    return [dict(row._mapping) for row in await connection.execute(_HISTORY, {"id": letter_id})]


async def note(
    connection: AsyncConnection, letter_id: int, actor: str, action: str, because: str, now: datetime,
    value: bytes | None = None,
) -> None:  # fmt: skip
    """Add to a dead letter's history."""
    noted = {"id": letter_id, "now": now, "actor": actor, "action": action, "because": because, "value": value}
    await connection.execute(_NOTE, noted)


async def asked_value(connection: AsyncConnection, letter_id: int) -> bytes | None:
    """The corrected value of the redrive asked for last; None where it was the record as it came."""
    found = (await connection.execute(_ASKED, {"id": letter_id})).first()
    return None if found is None else found.value


async def ask(connection: AsyncConnection, letter_id: int, actor: str, value: bytes | None, *, broadcast: bool) -> None:
    """Queue the letter for its shard, or a broadcast's for all shards that have not taken it."""
    await connection.execute(_FORGET_TRIES, {"id": letter_id})
    await connection.execute(_ASK, {"id": letter_id, "actor": actor, "value": value, "broadcast": broadcast})
    await connection.execute(_SET_STATE, {"id": letter_id, "state": "queued"})


async def discard(connection: AsyncConnection, letter_id: int) -> None:
    """Try it no more."""
    await connection.execute(_FORGET_TRIES, {"id": letter_id})
    await connection.execute(_SET_STATE, {"id": letter_id, "state": "discarded"})


async def take_queued(connection: AsyncConnection, shard: ShardId, rows_max: int) -> list[Queued]:
    """What this shard is to try, oldest first, locked until the transaction ends."""
    found = await connection.execute(_TAKE_QUEUED, {**shard._asdict(), "rows_max": rows_max})
    return [
        Queued(
            row.id,
            # A corrected event is structured: what was in the headers is in it.
            Record(row.topic, row.partition, row.position, row.key, row.value,
                   () if row.corrected else headers_of(row.header_pairs)),
        )
        for row in found
    ]  # fmt: skip


async def readdress(connection: AsyncConnection, queued: Queued, shard: ShardId, to: int) -> None:
    """Leave a letter to another shard: it is about somebody who lives there."""
    await connection.execute(_READDRESS, {"id": queued.id, "partition": shard.partition, "to": to})


async def conclude(connection: AsyncConnection, shard: ShardId, tried: Sequence[Tried], now: datetime) -> None:
    """Note how redrives ended in this shard, and what that makes of the letters."""
    ids, accepted, reasons, details = map(list, zip(*tried, strict=True))
    ended = {"ids": ids, "accepted": accepted, "reasons": reasons, "details": [_storable(d) for d in details]}
    noted = ended | {"partition": shard.partition, "now": now, "actor": f"shard {shard}"}
    await connection.execute(_NOTE_TRIED, noted)
    await connection.execute(_CONCLUDE, ended)


async def shards_asked(connection: AsyncConnection) -> set[ShardId]:
    """The shards that have letters to try."""
    return {ShardId(*row) for row in await connection.execute(_SHARDS_ASKED)}


async def asked_count(connection: AsyncConnection) -> int:
    """How many redrives wait for their shard."""
    return int((await connection.execute(_ASKED_COUNT)).scalar_one())


def headers_of(pairs: Sequence[tuple[str, str | None]]) -> list[tuple[str, bytes | None]]:
    """A record's headers from how they are stored."""
    return [(bytes.fromhex(n).decode("utf-8", KEPT), None if v is None else bytes.fromhex(v)) for n, v in pairs]


def _pairs(record: Record) -> str:
    pairs = [(name.encode("utf-8", KEPT).hex(), None if raw is None else raw.hex()) for name, raw in record.headers]
    return orjson.dumps(pairs).decode()


def _storable(detail: str) -> str:
    return detail.replace("\x00", "\\0")
