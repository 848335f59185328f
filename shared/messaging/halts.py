"""Stopped shards: every stop with its reason, and who let it go on. Without an end, the shard stands still."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.messaging.poison import COUNTERS, Tripped
from shared.messaging.stream import ShardId

_instant = sa.DateTime(timezone=True)

_STOP = sa.text(
    """INSERT INTO halt (stream, partition, reason, detail, stopped_at)
       VALUES (:stream, :partition, :reason, :detail, :now)"""
).bindparams(sa.bindparam("now", type_=_instant))
_IS_STOPPED = sa.text("SELECT 1 FROM halt WHERE stream = :stream AND partition = :partition AND resumed_at IS NULL")
_STOPPED = sa.text(
    """SELECT stream, partition, reason, detail, stopped_at FROM halt
       WHERE resumed_at IS NULL ORDER BY stream, partition"""
)
# The counts begin anew: the next refusal must not stop the shard at once.
_RESUME = sa.text(
    """WITH ended AS (
           UPDATE halt SET resumed_at = :now, resumed_by = :actor, resumed_because = :because
           WHERE stream = :stream AND partition = :partition AND resumed_at IS NULL RETURNING stream, partition),
       counted AS (
           UPDATE shard s SET counters = s.counters - :counters FROM ended e
           WHERE s.stream = e.stream AND s.partition = e.partition)
       SELECT 1 FROM ended"""
).bindparams(sa.bindparam("now", type_=_instant), sa.bindparam("counters", type_=ARRAY(sa.Text)))
_KNOWN = sa.text("SELECT 1 FROM shard WHERE stream = :stream AND partition = :partition")


async def stop(connection: AsyncConnection, shard: ShardId, tripped: Tripped, now: datetime) -> None:
    """Stop a shard as of this transaction's commit."""
    await connection.execute(_STOP, {**shard._asdict(), **tripped._asdict(), "now": now})


async def is_stopped(connection: AsyncConnection, shard: ShardId) -> bool:
    """Whether the shard is to stand still."""
    return (await connection.execute(_IS_STOPPED, shard._asdict())).first() is not None


async def stopped(connection: AsyncConnection) -> list[dict[str, Any]]:
    """All shards of the service that stand still, with why and since when."""
    return [dict(row._mapping) for row in await connection.execute(_STOPPED)]


async def resume(connection: AsyncConnection, shard: ShardId, actor: str, because: str, now: datetime) -> bool:
    """Let a stopped shard go on; False when it does not stand still."""
    asked = {**shard._asdict(), "actor": actor, "because": because, "now": now, "counters": list(COUNTERS)}
    return (await connection.execute(_RESUME, asked)).first() is not None


async def is_known(connection: AsyncConnection, shard: ShardId) -> bool:
    """Whether the service has such a shard."""
    return (await connection.execute(_KNOWN, shard._asdict())).first() is not None
