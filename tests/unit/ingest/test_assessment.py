"""What is owed and what meets it, at the edges, with figures worked out by hand from DOMAIN: The ledger."""

from dataclasses import replace

import pytest

from services.ingest.domain import facts as f
from services.ingest.domain.assessment import assess, ledger_view
from tests.unit.ingest.cases import CARD, assessed, bill, day, opened, repaid, rules


def test_a_shortfall_within_tolerance_takes_the_next_money_first() -> None:
    owed: list[f.Fact] = [
        bill("b1", 1_000, due=31),
        bill("b2", 1_000, due=61),
        repaid("r1", 900),
        repaid("r2", 500, on=61),
    ]
    now = assessed(owed, 70, rules("us-ffiec"))
    assert (now.days_past_due, now.arrears_minor, now.oldest_due_on) == (9, 600, day(61))


def test_zero_amounts_owe_and_settle_nothing() -> None:
    now = assessed([bill("b0", 0, due=5), bill(), repaid("r0", 0, on=6)], 32)
    assert (now.days_past_due, now.arrears_minor) == (1, 10_000)


@pytest.mark.parametrize("currency", ["JPY", "KWD", "EUR"])
def test_amounts_are_minor_units_whatever_their_number(currency: str) -> None:
    now = assess([opened(currency=currency), bill(amount=1)], rules(), day(32))
    assert (now.arrears_minor, now.days_past_due) == (1, 1)


def test_instalment_surplus_prepays_the_next_bill() -> None:
    owed: list[f.Fact] = [bill("b1", due=31), repaid("r1", 15_000, on=10), bill("b2", due=61, issued=40)]
    assert assessed(owed, 62).arrears_minor == 5_000


def test_card_surplus_prepays_no_bill_issued_later() -> None:
    owed: list[f.Fact] = [bill("b1", due=31), repaid("r1", 15_000, on=10), bill("b2", due=61, issued=40)]
    assert assessed(owed, 62, CARD).arrears_minor == 10_000


def test_a_card_repayment_counts_against_a_bill_issued_that_day() -> None:
    assert assessed([bill(issued=10), repaid(on=10)], 40, CARD).arrears_minor == 0
    assert assessed([bill(issued=10), repaid(on=9)], 40, CARD).arrears_minor == 10_000


def test_card_repayments_go_in_order_of_their_dates_not_of_their_arrival() -> None:
    owed: list[f.Fact] = [bill("b1", due=31), bill("b2", due=61, issued=40)]
    early, late = repaid("r1", 10_000, on=20), repaid("r2", 10_000, on=45)
    assert assessed([*owed, late, early], 70, CARD).arrears_minor == 0


def test_the_oldest_due_is_met_first_then_the_oldest_issued_then_the_smaller_id() -> None:
    owed: list[f.Fact] = [bill("b", 10, 31, 5), bill("a", 10, 31, 5), bill("z", 10, 31, 4), bill("y", 10, 30, 9)]
    view = ledger_view([opened(), *owed, repaid(amount=25)], rules(), day(40))
    assert [(o.id, o.paid_minor) for o in view.obligations] == [("y", 10), ("z", 10), ("a", 5), ("b", 0)]


def test_exposure_is_the_last_balance_then_the_principal_and_never_the_limit() -> None:
    first, second = f.Balance("e1", 900, day(20)), f.Balance("e2", 800, day(20))
    assert assessed([], 10).exposure_minor == 100_000
    assert assessed([second, first], 20).exposure_minor == 800
    assert assessed([second, first], 19).exposure_minor == 100_000
    card = replace(opened(), principal_minor=None, limit_minor=500_000)
    assert assess([card, bill()], rules(), day(40)).exposure_minor == 0


def test_a_post_dated_repayment_counts_from_its_date() -> None:
    owed: list[f.Fact] = [bill(), repaid(on=50)]
    now = assessed(owed, 40)
    assert (now.arrears_minor, now.next_transition_on) == (10_000, day(50))
    assert assessed(owed, 50).arrears_minor == 0


def test_the_first_of_two_facts_of_one_key_stands() -> None:
    assert assessed([bill(amount=10), bill(amount=99)], 40).arrears_minor == 10


def test_the_view_lays_open_which_repayment_met_what() -> None:
    facts: list[f.Fact] = [
        opened(), bill("b1", 10_000), bill("b2", 5_000, due=61), repaid("r1", 6_000, on=20), repaid("r2", 6_000, on=40),
        repaid("r3", 7, on=90), repaid("r4", 8, on=41), f.Reversed("r4", day(42)),
    ]  # fmt: skip
    view = ledger_view(facts, rules(), day(62))
    assert [(o.id, o.paid_minor, o.unpaid_minor, o.overdue, o.allocations) for o in view.obligations] == [
        ("b1", 10_000, 0, False, (("r1", 6_000), ("r2", 4_000))),
        ("b2", 2_000, 3_000, True, (("r2", 2_000),)),
    ]
    assert [(r.id, r.state, r.unallocated_minor, r.allocations) for r in view.repayments] == [
        ("r1", "counted", 0, (("b1", 6_000),)),
        ("r2", "counted", 0, (("b1", 4_000), ("b2", 2_000))),
        ("r4", "reversed", 0, ()),
        ("r3", "post_dated", 0, ()),
    ]
