"""Commands beside a partition's loop: what a batch saw before it had the lock does not count."""

import asyncio

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from services.strategy.domain.facts import HoldWanted
from services.strategy.library import read_library
from services.strategy.settings import SHIPPED
from shared.contracts.collections import CaseOpened, StrategyAssigned
from shared.contracts.fields import Contract
from shared.messaging import Transaction, store
from shared.messaging.autocommit import autocommit
from shared.messaging.commands import COMMANDS
from tests.integration.strategy.conftest import COUNTS, Shard
from tests.integration.strategy.events import MONDAY, aged, at, day, entered

PATIENCE_S = 20
_WAITING = sa.text("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")


async def until_somebody_waits(engine: AsyncEngine) -> None:
    """Return when a session of the server waits for a lock."""
    async with asyncio.timeout(PATIENCE_S), autocommit(engine) as connection:
        while not (await connection.execute(_WAITING)).scalar_one():  # noqa: ASYNC110  another session's state
            await asyncio.sleep(0.01)


async def beside_a_hold(shard: Shard, *events: Contract) -> list[Contract]:
    """Take events while a command holds the customer's lock to place a hold; what came out."""
    async with shard.engine.begin() as connection:
        state = await store.lock(connection, COMMANDS)
        tx = Transaction(connection, "strategy", COMMANDS, state, COUNTS, at(day(1)))
        await shard.handlers.place_hold("c-1", HoldWanted("hardship", day(1)), tx)
        taking = asyncio.create_task(shard.take(*events, at=day(1)))
        await until_somebody_waits(shard.engine)
        await tx.finish()
    return await taking


@pytest.mark.parametrize(("strategy", "learned_before"), [("default", True), ("prompt", False)])
async def test_a_hold_placed_while_a_batch_waits_for_the_lock_is_seen(
    engine: AsyncEngine, strategy: str, learned_before: bool
) -> None:
    """By a day's end, and by what a status makes of a case that is treated at once."""
    shard = Shard(engine, read_library(SHIPPED, strategy).book)
    await shard.take(entered("c-1", 1, MONDAY, arrears=50), aged(MONDAY), at=MONDAY)
    overdue = entered("c-1", 2, day(1), arrears=50_000, dpd=5)
    if learned_before:
        await shard.take(overdue, at=day(1))
        sent = await beside_a_hold(shard, aged(day(1)))
    else:
        sent = await beside_a_hold(shard, overdue, aged(day(1)))
    assert sent == []
    await shard.take(aged(day(2)), at=day(2))
    held = {type(event) for event in shard.sent}
    assert held == {CaseOpened, StrategyAssigned}, "nobody was treated"
