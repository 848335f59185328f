"""What ingest keeps by shard, for when partitions are added: its accounts, and how far each shard is aged."""

from collections.abc import Mapping, Sequence
from typing import Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.ingest import job_store
from shared.messaging.sharding import KeyedRows, Sharding

_STREAM: Final = "accounts"
# Accounts that come together in a shard have to be aged to one day.
_DAYS = sa.text(
    """SELECT count(*) AS shards, count(DISTINCT (closed_to, aged_to)) AS days,
              count(*) FILTER (WHERE cardinality(to_close) > 0) AS closing FROM shard_day"""
)
_SPREAD = (
    sa.text("DELETE FROM shard_day WHERE shard >= :partitions"),
    sa.text(
        """INSERT INTO shard_day (shard, closed_to, aged_to, to_close)
           SELECT n, d.closed_to, d.aged_to, d.to_close
           FROM (SELECT * FROM shard_day ORDER BY shard LIMIT 1) AS d,
                generate_series(0, CAST(:partitions AS integer) - 1) AS n ON CONFLICT DO NOTHING"""
    ),
)


async def _unsettled(connection: AsyncConnection, had: Mapping[str, int]) -> Sequence[str]:
    found = []
    row = (await connection.execute(_DAYS)).one()
    if row.closing:
        found.append(f"{row.closing} shards are still closing a business day")
    elif row.days > 1 or row.shards not in (0, had.get(_STREAM)):
        found.append("the shards are not aged to the same day")
    if waiting := await job_store.unfinished(connection):
        found.append(f"{waiting} accounts wait to be re-assessed")
    return found


async def _spread(connection: AsyncConnection, partitions: int) -> None:
    for statement in _SPREAD:
        await connection.execute(statement, {"partitions": partitions})


SHARDING: Final = Sharding((KeyedRows(_STREAM, "account", "account_id", "shard"),), _unsettled, _spread)
