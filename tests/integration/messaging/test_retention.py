"""Settled dead letters go after their time, whole and alone: what waits stays, and so does what was just settled."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import create_async_engine

from shared.messaging import migrations, retention, tables
from shared.messaging.retention import forget_settled
from tests.conftest import DatabaseFactory
from tests.integration.messaging.published import repayment
from tests.integration.messaging.rig import Rig
from tests.integration.messaging.running import ready
from tests.waiting import until

NOW = datetime(2026, 6, 1, tzinfo=UTC)
KEPT_DAYS = 30
LETTERS = """INSERT INTO dead_letter
                    (stream, topic, partition, position, value, header_pairs, reason, detail, rejected_at, state)
             SELECT 'tally', 'banking.repayments', 0, n, 'x', '[]', 'not_json', '', :rejected_at, :state
             FROM generate_series(CAST(:first AS integer), CAST(:first AS integer) + :letters - 1) AS s (n)
             RETURNING id"""
HISTORY = """INSERT INTO dead_letter_history (dead_letter_id, at, actor, action, reason, refused_for, value)
             SELECT id, :at, 'ann', :action, '', 'not_json', 'x' FROM dead_letter WHERE position = :position"""
TRIES = """INSERT INTO redrive (dead_letter_id, partition, stream, state, actor)
           SELECT id, 0, 'tally', 'accepted', 'ann' FROM dead_letter WHERE position = :position"""


async def letter(rig: Rig, position: int, state: str, days: float, action: str = "") -> None:
    """A letter refused long ago, of which something was done so many days ago."""
    await rig.execute(LETTERS, first=position, letters=1, rejected_at=NOW - timedelta(days=900), state=state)
    if action:
        await rig.execute(HISTORY, position=position, at=NOW - timedelta(days=days), action=action)
    await rig.execute(TRIES, position=position)


async def forget(rig: Rig, kept_days: int = KEPT_DAYS) -> int:
    return await forget_settled(rig.engine, NOW, kept_days, asyncio.Event())


async def left(rig: Rig) -> list[int]:
    return [row[0] for row in await rig.rows("SELECT position FROM dead_letter ORDER BY 1")]


async def test_only_what_was_settled_long_enough_ago_goes(rig: Rig) -> None:
    await letter(rig, 1, "redriven", 31, "accepted")
    await letter(rig, 2, "discarded", 31, "discard")
    await letter(rig, 3, "redriven", 29, "accepted")
    await letter(rig, 4, "discarded", 29, "discard")
    await letter(rig, 5, "waiting", 800, "rejected")
    await letter(rig, 6, "queued", 800, "redrive")
    # To look at what is settled does not keep it.
    await rig.execute(HISTORY, position=2, at=NOW, action="reveal")
    assert await forget(rig, 0) == 0
    assert await left(rig) == [1, 2, 3, 4, 5, 6]
    assert await forget(rig) == 2
    assert await forget(rig) == 0
    assert await left(rig) == [3, 4, 5, 6]
    along = "SELECT (SELECT count(*) FROM dead_letter_history), (SELECT count(*) FROM redrive)"
    assert tuple((await rig.rows(along))[0]) == (4, 4)


async def test_many_go_in_chunks_and_what_an_operator_holds_waits_for_the_next_round(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    await rig.execute(LETTERS, first=1, letters=7, rejected_at=NOW - timedelta(days=900), state="discarded")
    monkeypatch.setattr(retention, "LETTERS_MAX", 3)
    commits: list[sa.Connection] = []
    sa.event.listen(rig.engine.sync_engine, "commit", commits.append)
    async with rig.engine.connect() as operator:
        await operator.execute(sa.text("SELECT 1 FROM dead_letter WHERE position = 2 FOR UPDATE"))
        assert await forget(rig) == 6
    assert len(commits) == 3
    assert await left(rig) == [2]
    assert await forget(rig) == 1


async def test_the_database_lets_nothing_else_go(rig: Rig) -> None:
    await letter(rig, 1, "redriven", 31, "accepted")
    await letter(rig, 2, "waiting", 31, "rejected")
    for change, said in (
        ("DELETE FROM dead_letter_history", "append-only"),
        ("UPDATE dead_letter_history SET value = NULL", "append-only"),
        ("DELETE FROM dead_letter", "is waiting and has to stay"),
    ):
        with pytest.raises(DBAPIError, match=said):
            await rig.execute(change)
    assert await left(rig) == [1, 2]
    assert len(await rig.rows("SELECT 1 FROM dead_letter_history WHERE value IS NOT NULL")) == 2


async def test_a_running_service_forgets_by_its_own_clock(rig: Rig) -> None:
    await rig.execute(
        LETTERS, first=1, letters=1, rejected_at=datetime.now(UTC) - timedelta(days=401), state="discarded"
    )
    await rig.execute(
        LETTERS, first=2, letters=1, rejected_at=datetime.now(UTC) - timedelta(days=399), state="discarded"
    )
    running = rig.start()
    async with ready(running) as client:

        async def forgotten() -> bool:
            return [one["position"] for one in (await client.get("/dead-letters")).json()["dead_letters"]] == [2]

        await until(forgotten, "the older letter to be forgotten")
        await rig.publish([repayment(1)])
        await rig.applied(1)
    await running.stop()


async def test_a_schema_made_before_gets_the_same(database: DatabaseFactory) -> None:
    bound = []
    for steps in ([tables.create], [migrations.first, migrations.letters_door, migrations.letters_retention]):
        engine = create_async_engine(await database("ingest", fresh=True))
        async with engine.begin() as connection:
            for step in steps:
                await connection.run_sync(step)
            bound.append(await _bound(connection))
        await engine.dispose()
    assert len(bound[0]) == 5
    assert bound[0] == bound[1]


async def _bound(connection: Any) -> list[str]:
    """Constraints and triggers of the letters' tables, as the catalogue writes them."""
    found = await connection.execute(
        sa.text(
            """SELECT pg_get_constraintdef(oid) FROM pg_constraint
               WHERE contype = 'f' AND confrelid = 'dead_letter'::regclass
               UNION ALL SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal
               AND tgrelid IN ('dead_letter'::regclass, 'dead_letter_history'::regclass) ORDER BY 1"""
        )
    )
    return [row[0] for row in found]
