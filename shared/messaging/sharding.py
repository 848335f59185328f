"""What a service keeps by shard in tables of its own: declared, so that partitions can be added beside data."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncConnection


@dataclass(frozen=True, slots=True)
class KeyedRows:
    """A table whose rows belong to the shard of a key; `key` is its primary key, `shard` the column of the owner."""

    stream: str
    table: str
    key: str
    shard: str


async def _settled(connection: AsyncConnection, had: Mapping[str, int]) -> Sequence[str]:
    return ()


async def _nothing_a_shard(connection: AsyncConnection, partitions: int) -> None:
    """Nothing to do."""


@dataclass(frozen=True)
class Sharding:
    """By default nothing is kept by shard but the loop's own rows.

    `unsettled` gets the number of shards a stream has and says, a sentence each, what only the present shards can
    finish. `spread` gives each of that many shards the rows it has to have, and takes those of others away; it runs
    when nothing is unsettled.
    """

    keyed: Sequence[KeyedRows] = ()
    unsettled: Callable[[AsyncConnection, Mapping[str, int]], Awaitable[Sequence[str]]] = _settled
    spread: Callable[[AsyncConnection, int], Awaitable[None]] = _nothing_a_shard
