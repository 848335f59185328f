"""Every statement on the shard row, the outbox and the relay's progress."""

from collections.abc import Sequence
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.messaging.autocommit import autocommit
from shared.messaging.dead_letters import insert as keep_letters
from shared.messaging.ports import Engine
from shared.messaging.stream import OutboxRow, ShardId, ShardState

__all__ = [
    "OutboxRow", "acquire", "advance_relay", "emitted", "ensure", "has_more", "keep_letters", "lock", "lock_among",
    "lock_shards", "move", "other_sessions", "progress", "read_outbox", "relayed", "set_shards", "shard_counts",
    "shards_of", "skip", "skip_all", "wrote",
]  # fmt: skip


def _json(name: str) -> sa.BindParameter[Any]:
    return sa.bindparam(name, type_=JSONB)


_INSERT_SHARD = sa.text(
    """INSERT INTO shard (stream, partition, epoch, next_seq, offsets, watermarks, counters)
       VALUES (:stream, :partition, 0, 1, '{}', '{}', '{}') ON CONFLICT DO NOTHING"""
)
_INSERT_SHARDS = sa.text(
    """INSERT INTO shard (stream, partition, epoch, next_seq, offsets, watermarks, counters)
       SELECT :stream, n, 0, 1, '{}', '{}', '{}' FROM generate_series(0, CAST(:last AS integer)) AS n
       ON CONFLICT DO NOTHING"""
)
_COUNT_SHARDS = sa.text("SELECT count(*) FROM shard WHERE stream = :stream")
_SHARD_COUNTS = sa.text("SELECT stream, count(*) FROM shard GROUP BY stream")
# Whoever starts meanwhile waits to count the shards, and then counts what is committed here.
_LOCK_SHARDS = (sa.text("SET LOCAL lock_timeout = '10s'"), sa.text("LOCK TABLE shard IN ACCESS EXCLUSIVE MODE"))
_OTHER_SESSIONS = sa.text(
    """SELECT count(*) FROM pg_stat_activity
       WHERE datname = current_database() AND usename = current_user AND pid <> pg_backend_pid()
         AND application_name = current_setting('application_name')"""
)
# A new shard has nothing of its own partitions; of broadcasts it has what all others have, or it would age twice.
_SET_SHARDS = (
    sa.text("UPDATE shard SET epoch = epoch + 1 WHERE stream IN (:stream, 'commands')"),
    sa.text("DELETE FROM shard WHERE stream = :stream AND partition >= :partitions"),
    sa.text("DELETE FROM relay WHERE stream = :stream AND partition >= :partitions"),
    sa.text(
        """INSERT INTO shard (stream, partition, epoch, next_seq, offsets, watermarks, counters)
           SELECT :stream, n, 0, 1, (
               SELECT coalesce(jsonb_object_agg(topic, place), '{}') FROM (
                   SELECT topic, max(place::bigint) AS place
                   FROM shard, jsonb_each_text(offsets) AS o (topic, place)
                   WHERE stream = :stream AND topic = ANY(:broadcast) GROUP BY topic) AS broadcasts), '{}', '{}'
           FROM generate_series(0, CAST(:partitions AS integer) - 1) AS n ON CONFLICT DO NOTHING"""
    ).bindparams(sa.bindparam("broadcast", type_=ARRAY(sa.Text))),
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
    """SELECT epoch, next_seq, offsets, watermarks, counters, (SELECT count(*) FROM shard) AS shards FROM shard
       WHERE stream = :stream AND partition = :partition FOR UPDATE"""
).columns(offsets=JSONB, watermarks=JSONB, counters=JSONB)
_MOVE = """UPDATE shard SET next_seq = :next_seq, offsets = :offsets, watermarks = :watermarks, counters = :counters
           WHERE stream = :stream AND partition = :partition AND epoch = :epoch AND next_seq = :had_seq RETURNING 1"""
_STATE_PARAMETERS = (_json("offsets"), _json("watermarks"), _json("counters"))
_MOVE_SHARD = sa.text(_MOVE).bindparams(*_STATE_PARAMETERS)
# One round trip for the shard row and the outbox: rows are appended only if the row could be moved. Their sequences
# follow from their places, and nearly none has headers: what need not be sent is not.
_MOVE_AND_APPEND = sa.text(
    f"""WITH moved AS ({_MOVE}), appended AS (
            INSERT INTO outbox (stream, partition, seq, topic, to_partition, key, value, headers)
            SELECT :stream, :partition, CAST(:had_seq AS bigint) + o.place - 1, topic, to_partition, key, value, headers
            FROM moved, unnest(:topics, :to_partitions, :keys, :values, :extra) WITH ORDINALITY
                   AS o (topic, to_partition, key, value, headers, place))
        SELECT 1 FROM moved"""  # noqa: S608  put together from this module's own constants
).bindparams(
    *_STATE_PARAMETERS,
    sa.bindparam("topics", type_=ARRAY(sa.Text)),
    sa.bindparam("to_partitions", type_=ARRAY(sa.Integer)),
    sa.bindparam("keys", type_=ARRAY(sa.LargeBinary)),
    sa.bindparam("values", type_=ARRAY(sa.LargeBinary)),
    sa.bindparam("extra", type_=ARRAY(sa.Text)),
)
_WROTE = sa.text("SELECT pg_current_xact_id_if_assigned() IS NOT NULL")
_READ_OUTBOX = sa.text(
    """SELECT seq, topic, to_partition, key, value, headers FROM outbox
       WHERE stream = :stream AND partition = :partition AND seq > :after ORDER BY seq LIMIT :rows_max"""
)
# Losing this note in a crash only makes the relay repeat itself, which watermarks absorb: no fsync for it.
_ADVANCE_RELAY = sa.text(
    """WITH noted AS (
       UPDATE relay SET relayed_seq = :seq FROM (SELECT set_config('synchronous_commit', 'off', true)) AS no_fsync
       WHERE stream = :stream AND partition = :partition AND epoch = :epoch AND relayed_seq < :seq)
       SELECT epoch FROM relay WHERE stream = :stream AND partition = :partition"""
)
SKIP: Final = 1_000_000_000
"""More sequences than any shard uses between two backups; sixty-four bits have room for nine thousand million skips."""
# The command shard knows no offsets to compare, so it goes along with whichever shard found out.
_SKIP = sa.text(
    """UPDATE shard SET next_seq = next_seq + :skip
       WHERE (stream, partition) IN ((:stream, :partition), ('commands', 0))"""
)
_SKIP_ALL = sa.text("UPDATE shard SET next_seq = next_seq + :skip, epoch = epoch + 1")
_EMITTED = sa.text("SELECT next_seq - 1 FROM shard WHERE stream = :stream AND partition = :partition")
_HAS_MORE = sa.text(
    """SELECT 1 FROM outbox WHERE stream = :stream AND partition = :partition AND seq > :after
       ORDER BY seq OFFSET :rows_max LIMIT 1"""
)
_RELAYED = sa.text("SELECT relayed_seq FROM relay WHERE stream = :stream AND partition = :partition")
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


async def shards_of(connection: AsyncConnection, stream: str, count: int) -> int:
    """How many shards the stream has; a stream seen for the first time gets that many."""
    had = int((await connection.execute(_COUNT_SHARDS, {"stream": stream})).scalar_one())
    if had:
        return had
    await connection.execute(_INSERT_SHARDS, {"stream": stream, "last": count - 1})
    return count


async def shard_counts(connection: AsyncConnection) -> dict[str, int]:
    """How many shards each stream has."""
    return {row[0]: int(row[1]) for row in await connection.execute(_SHARD_COUNTS)}


async def lock_shards(connection: AsyncConnection) -> None:
    """Keep everybody from the service's shards until the transaction ends."""
    for statement in _LOCK_SHARDS:
        await connection.execute(statement)


async def other_sessions(connection: AsyncConnection) -> int:
    """How many other sessions of this service's processes and commands the database has."""
    return int((await connection.execute(_OTHER_SESSIONS)).scalar_one())


async def set_shards(connection: AsyncConnection, stream: str, broadcast: Sequence[str], partitions: int) -> None:
    """Give a drained stream that many shards under new epochs; those beyond the number were never read into."""
    values = {"stream": stream, "partitions": partitions, "broadcast": list(broadcast)}
    for statement in _SET_SHARDS:
        await connection.execute(statement, {name: values[name] for name in statement.compile().params})


async def lock(connection: AsyncConnection, shard: ShardId) -> ShardState:
    """The shard's row, locked until the transaction ends."""
    return (await lock_among(connection, shard))[0]


async def lock_among(connection: AsyncConnection, shard: ShardId) -> tuple[ShardState, int]:
    """The same, and how many shards the service has, those of all streams."""
    row = (await connection.execute(_LOCK_SHARD, _key(shard))).one()
    return _state(row), int(row.shards)


async def move(
    connection: AsyncConnection, shard: ShardId, had_seq: int, state: ShardState, rows: Sequence[OutboxRow]
) -> bool:
    """Write the shard's new state and append its outgoing records, whose sequences count on from `had_seq`.

    False when another epoch or sequence is there.

    The row stays locked until the transaction ends, so what was checked here holds at the commit.
    """
    moving = {
        **_key(shard),
        "epoch": state.epoch,
        "had_seq": had_seq,
        "next_seq": state.next_seq,
        "offsets": state.offsets,
        "watermarks": state.watermarks,
        "counters": state.counters,
    }
    if not rows:
        return (await connection.execute(_MOVE_SHARD, moving)).first() is not None
    _, topics, to_partitions, keys, values, extra = map(list, zip(*rows, strict=True))
    appending = {
        "topics": topics, "to_partitions": to_partitions, "keys": keys, "values": values,
        "extra": extra if any(extra) else None,
    }  # fmt: skip
    return (await connection.execute(_MOVE_AND_APPEND, moving | appending)).first() is not None


async def wrote(connection: AsyncConnection) -> bool:
    """Whether the transaction has changed anything so far."""
    return bool((await connection.execute(_WROTE)).scalar_one())


async def read_outbox(connection: AsyncConnection, shard: ShardId, after: int, rows_max: int) -> list[OutboxRow]:
    """Committed outgoing records after a sequence, in order."""
    found = await connection.execute(_READ_OUTBOX, {**_key(shard), "after": after, "rows_max": rows_max})
    return [OutboxRow(*row) for row in found]


async def advance_relay(engine: Engine, shard: ShardId, epoch: int, seq: int) -> bool:
    """Note what Kafka has acknowledged, in a transaction of its own; False, and no effect, for an older epoch."""
    async with autocommit(engine) as connection:
        found = await connection.execute(_ADVANCE_RELAY, {**_key(shard), "epoch": epoch, "seq": seq})
        return found.scalar_one_or_none() == epoch


async def skip(connection: AsyncConnection, shard: ShardId) -> int:
    """Pass over sequences that may be in Kafka already, given out after the backup this database comes from."""
    await connection.execute(_SKIP, {**_key(shard), "skip": SKIP})
    return SKIP


async def skip_all(connection: AsyncConnection) -> None:
    """The same for every shard of the service, which is not running."""
    await connection.execute(_SKIP_ALL, {"skip": SKIP})


async def emitted(connection: AsyncConnection, shard: ShardId) -> int:
    """The last sequence committed on the shard, by whichever process."""
    return int((await connection.execute(_EMITTED, _key(shard))).scalar_one())


async def has_more(connection: AsyncConnection, shard: ShardId, after: int, rows_max: int) -> bool:
    """Whether more than that many outgoing records follow a sequence; sequences themselves may leap."""
    asked = {**_key(shard), "after": after, "rows_max": rows_max}
    return (await connection.execute(_HAS_MORE, asked)).first() is not None


async def relayed(connection: AsyncConnection, shard: ShardId) -> int:
    """The last sequence noted as acknowledged by Kafka, by whichever process."""
    return int((await connection.execute(_RELAYED, _key(shard))).scalar_one())


async def progress(connection: AsyncConnection) -> list[dict[str, Any]]:
    """Each shard's offsets, sequences and counters as committed."""
    return [dict(row._mapping) for row in await connection.execute(_PROGRESS)]
