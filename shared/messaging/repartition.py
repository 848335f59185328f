"""Sets a drained, stopped service up for another number of partitions, in one transaction.

Rows go to the shards of their keys, new shards get their rows, all shards the next epoch. It comes before the
partitions themselves: Kafka takes none away again, so whatever has to be refused is refused while going back is easy.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from shared.messaging import store
from shared.messaging.drained import Ends, ends_of, topics_of, undrained
from shared.messaging.prepared import leave_word
from shared.messaging.sharding import KeyedRows, Sharding
from shared.messaging.stream import Stream
from shared.messaging.transaction import partition_of
from shared.vocabulary.errors import Misconfigured, Rejected

ROWS_MAX: Final = 10_000
"""Rows looked at in one step: what bounds the memory."""
ELSEWHERE_SHARE_MAX: Final = 0.1
"""Rows that do not lie where Kafka's default partitioner puts their key: more of them are a publisher's own way."""

Told = Callable[[str, int, int], None]
"""What is done, how much of it, out of how much."""


@dataclass(frozen=True)
class Sharded:
    """One service: its name, what it reads, what it keeps by shard, where."""

    name: str
    streams: Sequence[Stream]
    sharding: Sharding
    engine: AsyncEngine
    bootstrap: str


@dataclass
class Outcome:
    """How many shards each stream had, and rows by table that changed their shard."""

    had: Mapping[str, int]
    moved: dict[str, int] = field(default_factory=dict)


async def undrained_now(service: Sharded) -> list[str]:
    """What keeps the service, running or not, from being drained at this moment."""
    ends = await ends_of(service.bootstrap, topics_of(service.streams))
    async with service.engine.connect() as connection:
        return await undrained(connection, service.bootstrap, service.streams, service.sharding, ends)


async def repartition(service: Sharded, partitions: int, told: Told) -> Outcome:
    """Set the service up for that many partitions of each of its streams' topics.

    Rejected, and nothing changed, when it runs, is not drained, or the topics have more partitions than that.
    """
    await _stopped(service)
    async with service.engine.begin() as connection:
        await store.lock_shards(connection)
        # Who started before the lock is seen now; who starts after it finds what is committed here.
        await _alone(connection, service)
        ends = await ends_of(service.bootstrap, topics_of(service.streams))
        had = await _had(connection, service, ends, partitions)
        outcome = Outcome(had)
        if set(had.values()) == {partitions} == set(_present(service, ends).values()):
            return outcome
        if left := await undrained(connection, service.bootstrap, service.streams, service.sharding, ends):
            raise Rejected("not_drained", "; ".join(left))
        if set(had.values()) != {partitions}:
            await _reassign(connection, service, outcome, partitions, told)
    await leave_word(service.bootstrap, service.name, ends, partitions)
    return outcome


async def _stopped(service: Sharded) -> None:
    """Rejected at once where a running service would hold up the lock."""
    async with service.engine.begin() as connection:
        await _alone(connection, service)


async def _alone(connection: AsyncConnection, service: Sharded) -> None:
    if others := await store.other_sessions(connection):
        raise Rejected("service_runs", f"{others} database sessions of {service.name} are open: stop it first")


async def _had(connection: AsyncConnection, service: Sharded, ends: Ends, partitions: int) -> Mapping[str, int]:
    shards = await store.shard_counts(connection)
    if missing := [stream.name for stream in service.streams if stream.name not in shards]:
        raise Misconfigured(
            f"{service.name} has no shards of {', '.join(missing)} yet: it takes any number at its start"
        )
    present = _present(service, ends)
    if (most := max(present.values())) > partitions:
        raise Rejected("partitions_decrease", f"the topics have {most} partitions, and Kafka takes none away")
    return {name: shards[name] for name in present}


def _present(service: Sharded, ends: Ends) -> Mapping[str, int]:
    """How many partitions the topics of each stream have now."""
    return {
        stream.name: max(place.partition + 1 for place in ends if place.topic in stream.topics)
        for stream in service.streams
    }


async def _reassign(
    connection: AsyncConnection, service: Sharded, outcome: Outcome, partitions: int, told: Told
) -> None:
    for rows in service.sharding.keyed:
        outcome.moved[rows.table] = await _move(connection, rows, outcome.had[rows.stream], partitions, told)
    for stream in service.streams:
        await store.set_shards(connection, stream.name, stream.broadcast, partitions)
    await service.sharding.spread(connection, partitions)


async def _move(connection: AsyncConnection, rows: KeyedRows, had: int, partitions: int, told: Told) -> int:
    """Give each row to the shard of its key; how many changed hands."""
    statements = _Statements(rows)
    total = int((await connection.execute(statements.count)).scalar_one())
    after, seen, elsewhere, moved = "", 0, 0, 0
    while found := list(await connection.execute(statements.read, {"after": after, "rows_max": ROWS_MAX})):
        after, seen = found[-1][0], seen + len(found)
        elsewhere += sum(shard != partition_of(key.encode(), had) for key, shard in found)
        homes = {key: home for key, shard in found if (home := partition_of(key.encode(), partitions)) != shard}
        moved += len(homes)
        await connection.execute(statements.write, {"keys": list(homes), "shards": list(homes.values())})
        told(rows.table, seen, total)
    if elsewhere > seen * ELSEWHERE_SHARE_MAX:
        raise Rejected(
            "keys_elsewhere",
            f"{elsewhere} of {seen} rows of {rows.table} do not lie where Kafka's default partitioner (murmur2) puts "
            "them: their publisher has to use it before partitions can be added",
        )
    return moved


class _Statements:
    """On one table of keyed rows; the names come from the services' declarations."""

    def __init__(self, rows: KeyedRows) -> None:
        table, key, shard = rows.table, rows.key, rows.shard
        self.count = sa.text(f"SELECT count(*) FROM {table}")  # noqa: S608
        self.read = sa.text(
            f"SELECT {key}, {shard} FROM {table} WHERE {key} > :after ORDER BY {key} LIMIT :rows_max"  # noqa: S608
        )
        self.write: Any = sa.text(
            f"""UPDATE {table} AS t SET {shard} = n.shard FROM unnest(:keys, :shards) AS n (key, shard)
                WHERE t.{key} = n.key"""  # noqa: S608
        ).bindparams(sa.bindparam("keys", type_=ARRAY(sa.Text)), sa.bindparam("shards", type_=ARRAY(sa.Integer)))
