"""What has to be finished in reporting before partitions are added: days that some shards have told of and others not.

Nothing moves: counts by shard are only ever added up, so a contact may be counted in one and taken off in another.
"""

from collections.abc import Mapping, Sequence
from typing import Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.messaging.sharding import Sharding

# A day is complete when every ingest shard has told every partition: by one number of both.
_INCOMPLETE = sa.text(
    """SELECT DISTINCT business_date FROM day_aged
       WHERE business_date > coalesce((SELECT max(business_date) FROM business_day), '-infinity')
       ORDER BY business_date"""
)


async def _unsettled(connection: AsyncConnection, had: Mapping[str, int]) -> Sequence[str]:
    return [f"{row[0]} has no figures yet" for row in await connection.execute(_INCOMPLETE)]


SHARDING: Final = Sharding(unsettled=_unsettled)
