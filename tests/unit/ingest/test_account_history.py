"""When an account needs its past, and that it then comes to what the reference says."""

from dataclasses import replace

import pytest

from services.ingest.domain import facts as f
from services.ingest.domain.changes import RepaymentEffect
from services.ingest.domain.policy import Materiality, Rules
from tests.unit.ingest.cases import CARD, START, Fed, assessed, bill, day, policy, repaid, rules


def test_an_ordinary_life_needs_no_history() -> None:
    for by in (rules(), CARD, rules("in-rbi", "in-rbi"), rules("us-ffiec", "us-ffiec", "ifrs9")):
        fed = Fed(by)
        for month in range(12):
            first = 1 + 30 * month
            fed.fact(bill(f"b{month}", 10_000, due=first + 14, issued=first), recorded=first)
            fed.fact(f.Balance(f"e{month}", 90_000 - month, day(first + 1)))
            fed.closes(first + 12)
            late = 13 + (month % 4) * 3
            fed.fact(repaid(f"r{month}", 4_000, on=first + late))
            fed.closes(first + late)
            fed.fact(repaid(f"s{month}", 6_000, on=first + late + 4))
            fed.closes(first + late + 4)
        assert fed.from_history == 0
        assert fed.now.arrears_minor == 0


def test_a_back_dated_repayment_on_a_current_account_needs_no_history() -> None:
    fed = Fed()
    fed.fact(bill(due=31))
    fed.closes(20)
    (applied,) = fed.fact(repaid(on=15), recorded=21)
    assert applied.repayment == RepaymentEffect("r1", 10_000, 0, day(15))
    assert (fed.from_history, fed.account.as_of) == (0, day(20))
    fed.closes(40)
    assert fed.now.arrears_minor == 0


@pytest.mark.parametrize(
    "fact",
    [
        f.Reversed("r0", day(20)),
        f.ChargedBack("r0", day(41)),
        f.Reaged("g1", day(41)),
        f.ReageUndone("g0", day(41)),
        f.Cancelled("b0", day(41)),
        f.Cancelled("b1", day(41)),
        f.Adjusted("b0", "j1", 1, day(20)),
        f.Adjusted("b1", "j1", 1, day(39)),
        bill("b9", due=10),
        repaid("r9", on=39),
        repaid("r9", on=42),
        f.Paused("p1", day(35), day(36)),
        f.Closed(day(39)),
        f.WrittenOff(1, day(42)),
        f.Balance("e9", 1, day(42)),
    ],
)
def test_what_reaches_into_the_past_or_the_future_needs_history(fact: f.Fact) -> None:
    fed = Fed()
    fed.facts(bill("b0", due=20), repaid("r0", on=10), bill("b1", due=31))
    fed.closes(41)
    fed.fact(fact, recorded=41)
    assert fed.from_history == 1
    assert fed.now == assessed([past for past, _ in fed.past], 41)


DUE_DAY = rules("in-rbi", "in-rbi")
MATERIAL = Rules(replace(policy(), materiality=Materiality({"EUR": 0}, 1_000)))
LATE = [bill("b1", due=10)]


@pytest.mark.parametrize(
    ("by", "facts", "last", "on"),
    [
        # A bill that goes before one that already took money.
        (rules(), [bill("b2", due=40), repaid(on=10)], bill("b1", due=30), 10),
        (CARD, [bill("b2", due=40, issued=5), repaid(on=10)], bill("b1", due=30, issued=5), 10),
        # A card's bill issued by the date of a repayment that had something left over.
        (CARD, [bill("b1", due=30), repaid(amount=15_000, on=10)], bill("b2", due=40, issued=10), 10),
        # What a re-age of today covers.
        (rules(), [*LATE, f.Reaged("g1", day(20))], bill("b2", due=19), 20),
        (rules(), [*LATE, bill("b2", due=61), f.Reaged("g1", day(20))], repaid(on=20), 20),
        # An older card repayment that would have left a newer one for another bill.
        (
            CARD,
            [bill("b1", due=40, issued=10), bill("b2", due=50, issued=18), repaid("r2", on=20)],
            repaid("r1", on=15),
            20,
        ),
        # Of two equally old obligations, under `due_day`, the bill is one day ahead of the chargeback.
        (DUE_DAY, [bill("y", due=8), repaid(on=5), bill("z", due=12, issued=12)], f.ChargedBack("r1", day(12)), 12),
        # Adjustments that are not the last, that free money, or that meet it exactly.
        (rules(), [bill(due=30), f.Adjusted("b1", "j2", 5_000, day(9))], f.Adjusted("b1", "j1", 7_000, day(8)), 10),
        (rules(), [bill(due=30), repaid(amount=4_000, on=9)], f.Adjusted("b1", "j1", 4_000, day(10)), 10),
        (rules(), [bill(due=30), repaid(amount=4_000, on=9)], f.Adjusted("b1", "j1", 3_000, day(10)), 10),
        (rules(), [bill(due=30), repaid(amount=4_000, on=9)], f.Cancelled("b1", day(10)), 10),
        # Yesterday's delinquency, changed by what is told today.
        (rules(), LATE, f.Adjusted("b1", "j1", 0, day(15)), 20),
        (rules(), LATE, f.Paused("p1", day(18), day(19)), 20),
        (rules(), [*LATE, f.Paused("p1", day(12))], f.Resumed("p1", day(18)), 20),
        (MATERIAL, LATE, f.Balance("e1", 200_000, day(15)), 20),
        (rules(), LATE, f.Closed(day(19)), 20),
        (rules(), LATE, repaid(on=19), 20),
        (rules(), [], bill("b1", due=18), 20),
        # What came before the thing it is about.
        (rules(), [f.Adjusted("b1", "j1", 3_000, day(9))], bill("b1", due=30), 20),
        (rules(), [f.Cancelled("b1", day(9))], bill("b1", due=30), 20),
        (rules(), [bill(due=30), f.Reversed("r1", day(9))], repaid(on=19), 20),
        # Any fact, while another waits for its date.
        (rules(), [*LATE, repaid("r9", on=60)], repaid(on=20), 20),
        (rules(), [*LATE, f.Closed(day(60))], f.Balance("e1", 5, day(20)), 20),
    ],
)
def test_what_the_compact_ledger_cannot_place_is_placed_from_history(
    by: Rules, facts: list[f.Fact], last: f.Fact, on: int
) -> None:
    fed = Fed(by)
    for fact in facts:
        fed.fact(fact, recorded=min(on, max(1, (fact.effective_on - START).days + 1)))
    fed.closes(on)
    before = fed.from_history
    fed.fact(last, recorded=on)
    past = [fact for fact, _ in fed.past[1:]]
    assert fed.from_history == before + 1
    assert fed.now == assessed(past, on, by)
    for later in range(on + 1, on + 100):
        fed.closes(later)
        if fed.now.as_of == day(later):
            assert fed.now == assessed(past, later, by)
