"""How many cases a second strategy decides at the ends of days, by the shipped strategy.

The service's own handler on PostgreSQL, a shard's transactions with its row and the outbox, no Kafka and no decoding.
Every case is a customer with one account, one day past due when strategy learns of it. `cases opened` is the day's
close that opens all cases; `first treatment` the one two days later that asks for an SMS for each; `second treatment`
the one that asks for an email, by then with a history. `decision alone` opens and treats in memory.
"""

from datetime import UTC, date, datetime
from datetime import time as clock
from typing import Final

import sqlalchemy as sa

from services.strategy.domain.customer import Customer
from services.strategy.domain.settle import end_day
from services.strategy.handlers import Handlers
from services.strategy.library import read_library
from services.strategy.settings import SHIPPED, StrategySettings
from services.strategy.translate import account_of
from shared.messaging import Received, ShardId, Transaction
from tests.bench.stopwatch import stopwatch
from tests.bench.transactions import Transactions, cut, received, transactions
from tests.integration.strategy.events import aged, day, entered

BATCH_RECORDS: Final = StrategySettings.model_fields["batch_records_max"].default
DECISIONS_MAX: Final = StrategySettings.model_fields["decisions_max"].default
BOOK: Final = read_library(SHIPPED).book
FIRST_TREATMENT: Final = 2
"""Days after the first close: three days past due."""
SECOND_TREATMENT: Final = 9
Figures = dict[str, dict[str, float]]


async def measure(cases: int) -> Figures:
    """Rates of each kind of work on the same cases."""
    async with transactions("strategy", ShardId("customers", 0)) as shard:
        handlers = Handlers(BOOK, DECISIONS_MAX)
        statuses = received([entered(f"c{n:07d}", 1, day(0)) for n in range(cases)], _evening(day(0)))
        with stopwatch() as took:
            for batch in cut(statuses, BATCH_RECORDS):
                await _handled(shard, handlers, batch, day(0))
        found = {"strategy, statuses learned": took.figures(cases)}
        for name, number in (
            ("cases opened", 0), ("first treatment", FIRST_TREATMENT), ("second treatment", SECOND_TREATMENT),
        ):  # fmt: skip
            with stopwatch() as took:
                await _close(shard, handlers, day(number))
            found[f"strategy, {name}"] = took.figures(cases)
        await _assert_treated_twice(shard, cases)
    return found | {"strategy, decision alone": decided_alone(cases)}


async def _assert_treated_twice(shard: Transactions, cases: int) -> None:
    async with shard.engine.connect() as connection:
        treatments = (await connection.execute(sa.text("SELECT count(*) FROM treatment"))).scalar_one()
    if treatments != 2 * cases:
        raise AssertionError(f"{treatments} treatments of {cases} cases: something else was measured")


async def _close(shard: Transactions, handlers: Handlers, on: date) -> None:
    """A day's decisions, all of them."""
    (closing,) = received([aged(on)], _evening(on))
    more = await _handled(shard, handlers, [closing], on)
    while more:
        more = await shard.run(handlers.work, _evening(on))


async def _handled(shard: Transactions, handlers: Handlers, batch: list[Received], on: date) -> bool:
    async def work(tx: Transaction) -> bool:
        await handlers.handle(batch, tx)
        return tx.work_woken

    return await shard.run(work, _evening(on))


def decided_alone(cases: int) -> dict[str, float]:
    """Opening and treating in memory, three days past due."""
    accounts = [account_of(entered(f"c{n:07d}", 1, day(0), dpd=3)) for n in range(cases)]
    customers = [Customer(one.customer_id, {one.account_id: one}) for one in accounts]
    with stopwatch() as took:
        for one in customers:
            end_day(one, day(0), _evening(day(0)), BOOK)
    return took.figures(cases)


def _evening(on: date) -> datetime:
    return datetime.combine(on, clock(21, 30), UTC)
