"""Which days are closed, by whom, and what is kept to know it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime, timedelta

import sqlalchemy as sa

from services.reporting.handlers import apply_customers, close_days
from shared.messaging import ShardId, Transaction
from shared.messaging.stream import ShardState
from tests.integration.reporting import story
from tests.integration.reporting.conftest import COUNTS, PARTITIONS, Reporting, received
from tests.waiting import until

DAY = story.JANUARY
NEXT = DAY + timedelta(days=1)


@asynccontextmanager
async def transaction(reporting: Reporting, partition: int) -> AsyncIterator[Transaction]:
    """One of a shard, that its caller may hold open beside others."""
    async with reporting.engine.begin() as connection:
        shard, state = ShardId("customers", partition), ShardState(0, 1, {}, {})
        yield Transaction(connection, "reporting", shard, state, COUNTS, datetime(2026, 1, 1, tzinfo=UTC))


async def aged(reporting: Reporting, day: date, partition: int, source: int) -> bool:
    """Apply one ingest shard's close, without the work that may follow; whether it asked for work."""
    async with transaction(reporting, partition) as tx:
        await apply_customers([received(story.aged(day, source), source)], tx)
        return tx.work_woken


async def aged_everywhere(reporting: Reporting, day: date) -> None:
    for partition in range(PARTITIONS):
        for source in range(story.SOURCES):
            await aged(reporting, day, partition, source)


async def found(reporting: Reporting, statement: str) -> list[date]:
    async with reporting.engine.connect() as connection:
        return list((await connection.execute(sa.text(statement))).scalars())


async def closed(reporting: Reporting) -> list[date]:
    return await found(reporting, "SELECT business_date FROM business_day ORDER BY 1")


async def test_only_the_last_ingest_shard_of_a_partition_asks_to_look(reporting: Reporting) -> None:
    asked = [await aged(reporting, DAY, partition, source) for partition in range(2) for source in range(2)]
    assert asked == [False, True, False, True]
    assert not await aged(reporting, DAY, 1, 1), "a repeat"


async def test_days_are_closed_one_by_one_until_none_is_left(reporting: Reporting) -> None:
    await aged_everywhere(reporting, DAY)
    await aged_everywhere(reporting, NEXT)
    looks = []
    for _ in range(3):
        async with transaction(reporting, 0) as tx:
            looks.append(await close_days(tx))
    assert looks == [True, False, False]
    assert await closed(reporting) == [DAY, NEXT]


async def test_who_finds_a_day_being_closed_looks_again_for_the_next(reporting: Reporting) -> None:
    await aged_everywhere(reporting, DAY)
    async with transaction(reporting, 0) as first:
        assert not await close_days(first), "it has seen no other day"
        await aged_everywhere(reporting, NEXT)
        second = asyncio.create_task(look(reporting))
        await waiting(reporting)
    assert await second, "its first day was somebody else's, and it has seen another"
    assert await closed(reporting) == [DAY]
    assert not await look(reporting)
    assert await closed(reporting) == [DAY, NEXT]


async def look(reporting: Reporting) -> bool:
    async with transaction(reporting, 1) as tx:
        return await close_days(tx)


async def waiting(reporting: Reporting) -> None:
    """Until somebody waits for another transaction."""

    async def blocked() -> bool:
        return bool(await found(reporting, "SELECT current_date FROM pg_locks WHERE NOT granted"))

    await until(blocked, "a second look that waits for the first")


async def test_what_was_aged_before_a_closed_day_is_forgotten(reporting: Reporting) -> None:
    await aged_everywhere(reporting, DAY)
    await aged_everywhere(reporting, NEXT)
    while await look(reporting):
        pass
    kept = await found(reporting, "SELECT DISTINCT business_date FROM day_aged")
    assert kept == [NEXT], "the last closed day tells where each ingest shard stands"
