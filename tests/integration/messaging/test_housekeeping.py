"""The outbox's days: made ahead, dropped once relayed, by one replica at a time."""

import asyncio
from datetime import date, timedelta

from sqlalchemy import text

from shared.messaging import housekeeping
from shared.messaging.housekeeping import DAYS_AHEAD, partition_name
from tests.integration.messaging.published import repayment
from tests.integration.messaging.rig import Rig

ROW = """INSERT INTO outbox (written_on, stream, partition, seq, topic, to_partition, value)
         VALUES (current_date - CAST(:age AS integer), 'tally', 0, :seq, 'delinquency.status', 0, '')"""
ROWS_IN = "SELECT tableoid::regclass::text, seq FROM outbox WHERE stream = 'tally' AND partition = 0 ORDER BY seq"


async def _days(rig: Rig) -> list[str]:
    found = await rig.rows("SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'outbox'::regclass")
    return sorted(row[0] for row in found if row[0] != "outbox_default")


async def _today(rig: Rig) -> date:
    today: date = (await rig.rows("SELECT current_date"))[0][0]
    return today


async def test_days_are_made_ahead_by_several_replicas_at_once(rig: Rig) -> None:
    await asyncio.gather(*(housekeeping.tidy(rig.engine) for _ in range(2)))
    await housekeeping.tidy(rig.engine)
    today = await _today(rig)
    assert await _days(rig) == [partition_name(today + timedelta(days=n)) for n in range(DAYS_AHEAD + 1)]


async def test_a_day_begun_in_the_default_partition_ends_there(rig: Rig) -> None:
    await rig.execute(ROW, age=0, seq=1)
    await housekeeping.tidy(rig.engine)
    await rig.execute(ROW, age=0, seq=2)
    await rig.execute(ROW, age=-1, seq=3)
    tomorrow = partition_name(await _today(rig) + timedelta(days=1))
    assert [tuple(row) for row in await rig.rows(ROWS_IN)] == [
        ("outbox_default", 1), ("outbox_default", 2), (tomorrow, 3)
    ]  # fmt: skip


async def test_a_row_written_while_days_are_made_does_not_get_in_the_way(rig: Rig) -> None:
    async with rig.engine.begin() as writing:
        await writing.execute(text(ROW), {"age": 0, "seq": 1})
        tidying = asyncio.create_task(housekeeping.tidy(rig.engine))
        await asyncio.sleep(0.2)
    await tidying
    today = await _today(rig)
    assert await _days(rig) == [partition_name(today + timedelta(days=n)) for n in range(1, DAYS_AHEAD + 1)]


async def test_only_relayed_old_rows_go(rig: Rig) -> None:
    today = await _today(rig)
    for age in (9, 8):
        day = today - timedelta(days=age)
        await rig.execute(
            f"CREATE TABLE {partition_name(day)} PARTITION OF outbox"
            f" FOR VALUES FROM ('{day}') TO ('{day + timedelta(days=1)}')"
        )
    await rig.execute("INSERT INTO relay VALUES ('tally', 0, 0, 3)")
    for seq, age in ((1, 9), (2, 8), (3, 7), (4, 8), (5, 7)):
        await rig.execute(ROW, age=age, seq=seq)
    await housekeeping.tidy(rig.engine)
    kept = partition_name(today - timedelta(days=8))
    assert [tuple(row) for row in await rig.rows(ROWS_IN)] == [(kept, 2), (kept, 4), ("outbox_default", 5)]
    assert partition_name(today - timedelta(days=9)) not in await _days(rig)


async def test_the_service_tidies_while_it_runs(rig: Rig) -> None:
    running = rig.start()
    await rig.publish([repayment(n) for n in range(200)])
    await asyncio.gather(*(housekeeping.tidy(rig.engine) for _ in range(4)))
    await rig.assert_exact(200)
    assert await _days(rig)
    await running.stop()
