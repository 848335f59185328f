"""Batches and days on a real database: what comes out, and what is stored."""

from collections.abc import Sequence
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from services.strategy.library import read_library
from services.strategy.settings import SHIPPED
from shared.contracts.collections import (
    CaseClosed,
    CaseOpened,
    ContactRequested,
    ContactWithdrawn,
    HoldPlaced,
    PromiseBroken,
    PromiseKept,
    StrategyAssigned,
    TreatmentDecided,
)
from shared.contracts.fields import Amount, Contract
from tests.integration.strategy.conftest import Shard
from tests.integration.strategy.events import (
    MONDAY,
    aged,
    attempted,
    changed,
    cured,
    day,
    disputed,
    entered,
    promised,
    repaid,
)


def kinds(events: Sequence[Contract]) -> list[str]:
    return [type(event).__name__ for event in events]


async def rows(engine: AsyncEngine, table: str) -> list[dict[str, Any]]:
    async with engine.connect() as connection:
        found = await connection.execute(sa.text(f"SELECT * FROM {table} ORDER BY 1, 2"))  # noqa: S608  fixed names
        return [dict(row._mapping) for row in found]


async def test_a_case_from_the_first_overdue_day_to_the_cure(shard: Shard) -> None:
    assert await shard.take(entered("c-1", 1, MONDAY, dpd=3), at=MONDAY) == []
    opened = await shard.take(aged(MONDAY), at=MONDAY)
    assert kinds(opened) == ["CaseOpened", "StrategyAssigned", "TreatmentDecided", "ContactRequested"]
    requested = opened[-1]
    assert isinstance(requested, ContactRequested)
    assert (requested.channel, requested.template) == ("sms", "reminder")
    assert requested.arrears == (Amount(10_000, "EUR"),)
    sent = attempted("c-1", requested.contact_id, requested.case_id, day(1))
    assert await shard.take(sent, repaid("c-1", 2, day(1), 10_000, 0), cured("c-1", 3, day(1)), at=day(1)) == []
    (closed,) = await shard.take(aged(day(1)), at=day(1))
    assert isinstance(closed, CaseClosed)
    assert closed.reason == "cured"
    (treatment,) = await rows(shard.engine, "treatment")
    assert (treatment["state"], treatment["outcome"], treatment["attempted_on"]) == ("attempted", "sent", day(1))
    assert treatment["inputs"]["arrears"] == "100.00 EUR"


async def test_customers_who_never_were_delinquent_leave_no_row(shard: Shard) -> None:
    current: list[Contract] = [changed(f"c-{n}", 1, MONDAY) for n in range(50)]
    current += [repaid(f"c-{n}", 2, MONDAY, 500, 0) for n in range(50)]
    assert await shard.take(*current, aged(MONDAY), at=MONDAY) == []
    for table in ("customer", "account", "repayment"):
        assert await rows(shard.engine, table) == []


async def test_a_day_waits_for_every_ingest_shard(shard: Shard) -> None:
    await shard.take(entered("c-1", 1, MONDAY), at=MONDAY)
    assert await shard.take(aged(MONDAY, 0, 2), aged(MONDAY, 0, 2), at=MONDAY) == []
    assert kinds(await shard.take(aged(MONDAY, 1, 2), at=MONDAY)) == ["CaseOpened", "StrategyAssigned"]
    late = entered("c-2", 1, MONDAY)
    repeats = aged(MONDAY, 1, 2), aged(MONDAY, 0, 2)
    assert await shard.take(late, *repeats, at=MONDAY) == [], "a decided day stays decided"


STORY: list[Contract] = [
    changed("c-9", 1, MONDAY),
    repaid("c-9", 2, MONDAY, 100, 0, "r-0"),
    entered("c-1", 1, MONDAY, dpd=2),
    entered("c-2", 1, MONDAY, dpd=3),
    aged(MONDAY, 0, 2),
    aged(MONDAY, 1, 2),
    entered("c-9", 3, day(1), dpd=3),
    promised("c-2", day(1), day(3)),
    aged(day(1), 0, 2),
    entered("c-3", 1, day(1), dpd=4),
    aged(day(1), 1, 2),
    disputed("c-9", day(2)),
    repaid("c-2", 2, day(2), 9_500, 500),
    aged(day(2), 1, 2),
    aged(day(2), 0, 2),
    repaid("c-2", 3, day(3), -9_500, 10_000),
    cured("c-3", 2, day(3)),
    aged(day(3), 0, 2),
    aged(day(3), 1, 2),
    aged(day(5), 0, 2),
    aged(day(5), 1, 2),
]


@pytest.mark.parametrize("decisions_max", [1, 1000])
@pytest.mark.parametrize("batch", [1, 2, 5, len(STORY)])
async def test_what_comes_out_does_not_depend_on_how_the_input_is_cut(
    engine: AsyncEngine, batch: int, decisions_max: int
) -> None:
    shard = Shard(engine, read_library(SHIPPED).book, decisions_max)
    sent = await shard.take(*STORY, at=day(5), batch=batch)
    asked = [(e.customer_id, e.decided_on) for e in sent if isinstance(e, TreatmentDecided)]
    assert sorted(asked) == [
        ("c-1", day(1)), ("c-2", day(0)), ("c-2", day(5)), ("c-3", day(1)), ("c-9", day(1)),
    ]  # fmt: skip
    others = [e for e in sent if not isinstance(e, TreatmentDecided | ContactRequested)]
    assert [(type(e).__name__, e.customer_id) for e in others] == [  # type: ignore[attr-defined]  # all are case events
        ("CaseOpened", "c-1"), ("StrategyAssigned", "c-1"), ("CaseOpened", "c-2"), ("StrategyAssigned", "c-2"),
        ("ContactWithdrawn", "c-2"), ("CaseOpened", "c-3"), ("StrategyAssigned", "c-3"),
        ("CaseOpened", "c-9"), ("StrategyAssigned", "c-9"), ("HoldPlaced", "c-9"), ("ContactWithdrawn", "c-9"),
        ("PromiseKept", "c-2"), ("ContactWithdrawn", "c-3"), ("CaseClosed", "c-3"), ("PromiseBroken", "c-2"),
    ]  # fmt: skip
    assert {type(e) for e in others} == {
        CaseOpened, StrategyAssigned, ContactWithdrawn, HoldPlaced, PromiseKept, CaseClosed, PromiseBroken,
    }  # fmt: skip


async def test_decisions_of_a_day_come_before_what_follows_even_when_they_were_left_over(engine: AsyncEngine) -> None:
    """A crash or a full chunk may leave a complete day undecided when the next batch comes."""
    shard = Shard(engine, read_library(SHIPPED).book, decisions_max=1)
    await shard.take(entered("c-1", 1, MONDAY, dpd=3), entered("c-2", 1, MONDAY, dpd=3), at=MONDAY)
    async with engine.begin() as connection:
        await connection.execute(sa.text("INSERT INTO day VALUES (0, :on, 1, '{0}', false)"), {"on": MONDAY})
    sent = await shard.take(cured("c-1", 2, day(1)), cured("c-2", 2, day(1)), at=day(1))
    decided = [e.customer_id for e in sent if isinstance(e, TreatmentDecided)]
    assert decided == ["c-1", "c-2"]
    assert kinds(sent)[-2:] == ["ContactWithdrawn", "ContactWithdrawn"]


async def test_a_reversal_long_after_finds_its_promise(shard: Shard) -> None:
    await shard.take(entered("c-1", 1, MONDAY, dpd=3), aged(MONDAY), at=MONDAY)
    await shard.take(promised("c-1", day(1), day(3)), repaid("c-1", 2, day(2), 10_000, 0), at=day(2))
    await shard.take(cured("c-1", 3, day(2)), aged(day(2)), at=day(2))
    sent = await shard.take(repaid("c-1", 4, day(40), -10_000, 10_000), aged(day(40)), at=day(40))
    (broken,) = [e for e in sent if isinstance(e, PromiseBroken)]
    assert (broken.paid.minor, broken.judged_on) == (0, day(40))
    (repayment,) = await rows(shard.engine, "repayment")
    assert (repayment["amount_minor"], repayment["undone_minor"]) == (10_000, -10_000)


async def test_a_reversal_whose_repayment_no_promise_needs_keeps_both_halves(shard: Shard) -> None:
    await shard.take(entered("c-1", 1, MONDAY), repaid("c-1", 2, MONDAY, 700, 9_300), at=MONDAY)
    await shard.take(repaid("c-1", 3, day(1), -700, 10_000), at=day(1))
    (repayment,) = await rows(shard.engine, "repayment")
    assert (repayment["amount_minor"], repayment["undone_minor"], repayment["effective_on"]) == (700, -700, MONDAY)
    await shard.take(repaid("c-1", 2, MONDAY, 700, 9_300), at=day(2))
    assert await rows(shard.engine, "repayment") == [repayment], "told again, it is still undone"


async def test_two_customers_in_one_batch_do_not_mix(shard: Shard) -> None:
    both = [entered(f"c-{n}", 1, MONDAY, arrears=10_000 + n, dpd=3) for n in range(20)]
    sent = await shard.take(*both, aged(MONDAY), at=MONDAY)
    asked = {e.customer_id: e.arrears[0].minor for e in sent if isinstance(e, ContactRequested)}
    assert asked == {f"c-{n}": 10_000 + n for n in range(20)}
