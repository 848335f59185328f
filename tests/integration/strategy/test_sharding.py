"""What strategy keeps by shard, when partitions are added: its decided days; what it has to finish before."""

from datetime import date
from typing import Any

import sqlalchemy as sa

from services.strategy.sharding import SHARDING
from tests.integration.strategy.conftest import Shard

HAD = {"customers": 2}
MONDAY, TUESDAY = date(2026, 1, 5), date(2026, 1, 6)


async def _days(shard: Shard, *rows: tuple[int, date, bool]) -> None:
    insert = sa.text("INSERT INTO day VALUES (:partition, :on, 2, '{0,1}', :decided)")
    async with shard.engine.begin() as connection:
        await connection.execute(sa.text("TRUNCATE day"))
        for partition, on, decided in rows:
            await connection.execute(insert, {"partition": partition, "on": on, "decided": decided})


async def _unsettled(shard: Shard) -> list[str]:
    async with shard.engine.connect() as connection:
        return list(await SHARDING.unsettled(connection, HAD))


async def test_a_day_that_is_not_decided_on_every_partition_is_named(shard: Shard) -> None:
    await _days(shard, (0, MONDAY, True), (1, MONDAY, True), (0, TUESDAY, True), (1, TUESDAY, False))
    assert await _unsettled(shard) == ["2026-01-06 is not complete and decided on every partition"]
    await _days(shard, (0, MONDAY, True), (0, TUESDAY, True), (1, TUESDAY, True))
    assert await _unsettled(shard) == ["2026-01-05 is not complete and decided on every partition"]
    await _days(shard, (0, MONDAY, True), (1, MONDAY, True))
    assert await _unsettled(shard) == []


async def test_new_partitions_know_the_days_of_the_old_ones_and_forget_them_on_the_way_back(shard: Shard) -> None:
    await _days(shard, *((n, on, True) for n in range(2) for on in (MONDAY, TUESDAY)))
    assert await _spread(shard, 4) == [(n, on, True) for n in range(4) for on in (MONDAY, TUESDAY)]
    assert await _spread(shard, 2) == [(n, on, True) for n in range(2) for on in (MONDAY, TUESDAY)]


async def _spread(shard: Shard, partitions: int) -> list[tuple[Any, ...]]:
    async with shard.engine.begin() as connection:
        await SHARDING.spread(connection, partitions)
        found = await connection.execute(sa.text("SELECT partition, business_date, decided FROM day ORDER BY 1, 2"))
        return [tuple(row) for row in found]
