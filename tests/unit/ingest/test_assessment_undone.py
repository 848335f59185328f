"""What is changed or taken back later, with figures worked out by hand from DOMAIN: The ledger."""

import pytest

from services.ingest.domain import facts as f
from services.ingest.domain.policy import Rules
from tests.unit.ingest.cases import RBI, assessed, bill, day, repaid, rules


def test_an_adjustment_replaces_the_amount_from_its_date() -> None:
    owed: list[f.Fact] = [bill(), f.Adjusted("b1", "j1", 12_000, day(40)), f.Adjusted("b1", "j0", 11_000, day(40))]
    assert assessed(owed, 39).arrears_minor == 10_000
    assert assessed(owed, 40).arrears_minor == 12_000
    assert assessed(owed, 39).next_transition_on == day(40)


def test_money_freed_by_an_adjustment_moves_on() -> None:
    owed: list[f.Fact] = [bill("b1", due=31), bill("b2", due=61), repaid(), f.Adjusted("b1", "j1", 4_000, day(70))]
    assert assessed(owed, 69).arrears_minor == 10_000
    assert assessed(owed, 70).arrears_minor == 4_000


def test_a_cancelled_bill_was_never_owed() -> None:
    now = assessed([bill(), f.Cancelled("b1", day(90))], 40)
    assert (now.arrears_minor, now.days_past_due) == (0, 0)


def test_a_reversal_undoes_from_the_repayments_own_date() -> None:
    owed: list[f.Fact] = [f.Reversed("r1", day(70)), bill(), repaid()]
    now = assessed(owed, 40)
    assert (now.arrears_minor, now.days_past_due) == (10_000, 9)


@pytest.mark.parametrize("by", [rules(), RBI])
def test_a_chargeback_is_a_new_obligation_ageing_from_the_day_after(by: Rules) -> None:
    owed: list[f.Fact] = [bill(), repaid(on=20), f.ChargedBack("r1", day(50))]
    assert assessed(owed, 49, by).arrears_minor == 0
    assert assessed(owed, 50, by).arrears_minor == 0
    late = assessed(owed, 51, by)
    assert (late.arrears_minor, late.days_past_due, late.oldest_due_on) == (10_000, 1, day(50))


def test_a_reversed_repayment_is_not_charged_back_as_well() -> None:
    owed: list[f.Fact] = [bill(), repaid(on=20), f.ChargedBack("r1", day(50)), f.Reversed("r1", day(51))]
    assert assessed(owed, 60).arrears_minor == 10_000


def test_a_reage_takes_what_is_unpaid_out_of_arrears_for_good() -> None:
    owed: list[f.Fact] = [bill("b1", due=31), repaid("r1", 4_000), f.Reaged("g1", day(50)), bill("b2", due=61)]
    assert assessed(owed, 49).arrears_minor == 6_000
    assert assessed(owed, 50).arrears_minor == 0
    assert assessed(owed, 50).exposure_minor == 100_000
    later: list[f.Fact] = [*owed, repaid("r2", 10_000, on=61)]
    assert assessed(later, 70).arrears_minor == 0
    undone: list[f.Fact] = [*later, f.ReageUndone("g1", day(65))]
    assert (assessed(undone, 70).arrears_minor, assessed(undone, 70).oldest_due_on) == (6_000, day(61))


def test_a_reage_leaves_what_is_due_that_day_alone() -> None:
    owed: list[f.Fact] = [bill(due=31), f.Reaged("g1", day(31))]
    assert assessed(owed, 32).arrears_minor == 10_000
    assert assessed([bill(due=30), f.Reaged("g1", day(31))], 32).arrears_minor == 0


def test_what_was_paid_before_a_reage_still_counts_when_it_is_raised_later() -> None:
    owed: list[f.Fact] = [bill(due=31), repaid(on=40), f.Reaged("g1", day(50)), f.Adjusted("b1", "j1", 11_000, day(60))]
    assert assessed(owed, 60).arrears_minor == 1_000
