"""What strategy keeps by shard, for when partitions are added: its customers, and the days each partition decided."""

from collections.abc import Mapping, Sequence
from typing import Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.messaging.sharding import KeyedRows, Sharding

_STREAM: Final = "customers"
# A day that some partitions decided and others never will would be decided for half of a new partition's customers.
_UNDECIDED = sa.text(
    """SELECT business_date FROM day GROUP BY business_date
       HAVING NOT bool_and(decided) OR count(*) <> :had ORDER BY business_date"""
)
_SPREAD = (
    sa.text("DELETE FROM day WHERE partition >= :partitions"),
    sa.text(
        """INSERT INTO day (partition, business_date, source_shards, aged_by, decided)
           SELECT n, d.business_date, d.source_shards, d.aged_by, d.decided
           FROM (SELECT DISTINCT ON (business_date) * FROM day ORDER BY business_date, partition) AS d,
                generate_series(0, CAST(:partitions AS integer) - 1) AS n ON CONFLICT DO NOTHING"""
    ),
)


async def _unsettled(connection: AsyncConnection, had: Mapping[str, int]) -> Sequence[str]:
    days = [row[0] for row in await connection.execute(_UNDECIDED, {"had": had.get(_STREAM, 0)})]
    return [f"{day} is not complete and decided on every partition" for day in days]


async def _spread(connection: AsyncConnection, partitions: int) -> None:
    for statement in _SPREAD:
        await connection.execute(statement, {"partitions": partitions})


SHARDING: Final = Sharding((KeyedRows(_STREAM, "customer", "customer_id", "partition"),), _unsettled, _spread)
