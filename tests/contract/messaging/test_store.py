"""What the loop may rely on in its store, held by PostgreSQL and by the store of the simulation alike."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime
from random import Random
from typing import Any, NamedTuple

import pytest
import pytest_asyncio
from sqlalchemy import text

from shared.messaging import store
from shared.messaging.dead_letters import DeadLetter
from shared.messaging.ports import Engine, Rows
from shared.messaging.store import OutboxRow
from shared.messaging.stream import Record, ShardId, ShardState
from shared.messaging.tables import create
from shared.runtime.database import engine_of
from tests.conftest import DatabaseFactory
from tests.simulation.life import Life
from tests.simulation.store import Memory, SimulatedEngine, SimulatedRows

SHARD = ShardId("accounts", 0)
NOW = datetime(2026, 1, 1, tzinfo=UTC)


class Kept(NamedTuple):
    """One store, whichever it is."""

    engine: Engine
    rows: Rows
    letters: Callable[[], Awaitable[int]]


@pytest_asyncio.fixture(params=["postgresql", "simulated"])
async def kept(request: pytest.FixtureRequest, database: DatabaseFactory) -> AsyncIterator[Kept]:
    if request.param == "simulated":
        memory = Memory()
        life = Life("one", Random(1), lambda *_: None, lambda _: None)

        async def counted() -> int:
            return len(memory.letters)

        yield Kept(SimulatedEngine(memory, life), SimulatedRows(memory), counted)
        return
    engine = engine_of(await database("ingest", fresh=True), 4)
    async with engine.begin() as connection:
        await connection.run_sync(create)
    rows: Any = store

    async def in_table() -> int:
        async with engine.connect() as connection:
            return int((await connection.execute(text("SELECT count(*) FROM dead_letter"))).scalar_one())

    yield Kept(engine, rows, in_table)
    await engine.dispose()


def row(seq: int) -> OutboxRow:
    return OutboxRow(seq, "delinquency.status", 1, b"key", b"value %d" % seq)


async def acquired(kept: Kept) -> ShardState:
    async with kept.engine.begin() as connection:
        state, _ = await kept.rows.acquire(connection, SHARD)
    return state


async def moved(kept: Kept, state: ShardState, *rows: OutboxRow, had_seq: int | None = None) -> bool:
    """One batch that emitted these rows."""
    had_seq = state.next_seq if had_seq is None else had_seq
    state.next_seq = had_seq + len(rows)
    async with kept.engine.begin() as connection:
        return await kept.rows.move(connection, SHARD, had_seq, state, rows)


async def outbox(kept: Kept, after: int = 0, rows_max: int = 100) -> list[OutboxRow]:
    async with kept.engine.connect() as connection:
        return await kept.rows.read_outbox(connection, SHARD, after, rows_max)


async def relayed(kept: Kept) -> int:
    """Acquiring is the only way to ask, and no way to change it."""
    async with kept.engine.begin() as connection:
        return (await kept.rows.acquire(connection, SHARD))[1]


async def test_a_shard_begins_empty_and_each_owner_has_the_next_epoch(kept: Kept) -> None:
    first, second = await acquired(kept), await acquired(kept)
    assert (first.epoch, second.epoch) == (1, 2)
    assert (first.next_seq, first.offsets, first.watermarks) == (1, {}, {})


async def test_what_a_batch_leaves_is_what_the_next_owner_finds(kept: Kept) -> None:
    state = await acquired(kept)
    state.offsets["a"], state.watermarks["a|x.y.0"], state.counters["records"] = 7, 3, 7
    assert await moved(kept, state, row(1), row(2))
    found = await acquired(kept)
    assert (found.next_seq, found.offsets, found.watermarks) == (3, {"a": 7}, {"a|x.y.0": 3})
    assert found.counters == {"records": 7}
    assert await outbox(kept) == [row(1), row(2)]


async def test_the_outbox_is_read_in_order_from_anywhere_and_in_parts(kept: Kept) -> None:
    state = await acquired(kept)
    assert await moved(kept, state, row(1), row(2))
    assert await moved(kept, state, row(3))
    assert [one.seq for one in await outbox(kept, after=1)] == [2, 3]
    assert [one.seq for one in await outbox(kept, rows_max=2)] == [1, 2]
    assert await outbox(kept, after=3) == []


async def test_an_older_epoch_moves_nothing_and_appends_nothing(kept: Kept) -> None:
    zombie = await acquired(kept)
    owner = await acquired(kept)
    assert not await moved(kept, zombie, row(1))
    assert await outbox(kept) == []
    assert await moved(kept, owner, row(1))


async def test_another_sequence_than_the_committed_one_moves_nothing(kept: Kept) -> None:
    state = await acquired(kept)
    assert await moved(kept, state, row(1))
    assert not await moved(kept, state, row(1), had_seq=1)
    assert [one.seq for one in await outbox(kept)] == [1]


async def test_nothing_of_a_transaction_that_fails_is_kept(kept: Kept) -> None:
    state = await acquired(kept)
    state.next_seq = 2

    async def fail() -> None:
        async with kept.engine.begin() as connection:
            assert await kept.rows.move(connection, SHARD, 1, state, [row(1)])
            raise LookupError

    with pytest.raises(LookupError):
        await fail()
    assert await outbox(kept) == []
    assert (await acquired(kept)).next_seq == 1


async def test_rows_are_seen_by_others_only_after_the_commit(kept: Kept) -> None:
    state = await acquired(kept)
    state.next_seq = 2
    async with kept.engine.begin() as connection:
        assert await kept.rows.move(connection, SHARD, 1, state, [row(1)])
        assert await outbox(kept) == []
    assert await outbox(kept) == [row(1)]


async def test_an_owner_to_be_waits_for_the_batch_that_moved_the_row(kept: Kept) -> None:
    state = await acquired(kept)
    state.next_seq = 2
    async with kept.engine.begin() as connection:
        assert await kept.rows.move(connection, SHARD, 1, state, [row(1)])
        acquiring = asyncio.create_task(acquired(kept))
        done, _ = await asyncio.wait({acquiring}, timeout=0.3)
        assert not done
    assert (await acquiring).next_seq == 2, "and sees what it committed"


async def test_a_batch_waits_for_an_owner_to_be_and_is_fenced_by_it(kept: Kept) -> None:
    state = await acquired(kept)
    async with kept.engine.begin() as connection:
        await kept.rows.acquire(connection, SHARD)
        moving = asyncio.create_task(moved(kept, state, row(1)))
        done, _ = await asyncio.wait({moving}, timeout=0.3)
        assert not done
    assert await moving is False


async def test_the_relay_goes_forward_under_its_own_epoch_only(kept: Kept) -> None:
    state = await acquired(kept)
    assert await kept.rows.advance_relay(kept.engine, SHARD, state.epoch, 5)
    assert await kept.rows.advance_relay(kept.engine, SHARD, state.epoch, 4), "noted before, and the epoch is its own"
    assert await relayed(kept) == 5
    assert not await kept.rows.advance_relay(kept.engine, SHARD, state.epoch, 9)
    assert await relayed(kept) == 5, "a relay of an older epoch has no say"


async def test_a_transaction_knows_whether_it_wrote(kept: Kept) -> None:
    state = await acquired(kept)
    async with kept.engine.begin() as connection:
        assert not await kept.rows.wrote(connection)
        assert await kept.rows.move(connection, SHARD, 1, state, [])
        assert await kept.rows.wrote(connection)


async def test_a_savepoint_gives_up_what_was_written_in_it_and_nothing_else(kept: Kept) -> None:
    state = await acquired(kept)
    state.next_seq = 2
    async with kept.engine.begin() as connection:
        await kept.rows.keep_letters(connection, SHARD, [_letter(1)], NOW)
        with suppress(LookupError):
            async with connection.begin_nested():
                await kept.rows.move(connection, SHARD, 1, state, [row(1)])
                raise LookupError
        assert await kept.rows.move(connection, SHARD, 1, state, [row(1)])
    assert await outbox(kept) == [row(1)]


async def test_a_place_is_dead_lettered_once(kept: Kept) -> None:
    for _ in range(2):
        async with kept.engine.begin() as connection:
            await kept.rows.keep_letters(connection, SHARD, [_letter(1), _letter(2)], NOW)
    assert await kept.letters() == 2


def _letter(offset: int) -> DeadLetter:
    return DeadLetter(Record("banking.billing", 0, offset, None, b"junk"), "not_json", "it is not JSON")
