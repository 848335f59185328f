"""What reporting has to finish before partitions are added."""

from datetime import date

import sqlalchemy as sa

from services.reporting.store.sharding import SHARDING
from tests.integration.reporting.conftest import Reporting


async def test_a_day_that_only_some_shards_have_told_is_named(reporting: Reporting) -> None:
    async with reporting.engine.begin() as connection:
        for day in (date(2026, 1, 5), date(2026, 1, 6)):
            await connection.execute(sa.text("INSERT INTO day_aged VALUES (:day, 0, 0, 2)"), {"day": day})
        await connection.execute(sa.text("INSERT INTO business_day VALUES ('2026-01-05', NULL)"))
        assert await SHARDING.unsettled(connection, {}) == ["2026-01-06 has no figures yet"]
        await connection.execute(sa.text("INSERT INTO business_day VALUES ('2026-01-06', '2026-01-05')"))
        assert await SHARDING.unsettled(connection, {}) == []
        await connection.rollback()
