"""Accounts of which other rules say nothing else: the only ones that an activation passes over."""

from dataclasses import replace

import pytest

from services.ingest.domain import facts as f
from services.ingest.domain.account import unmoved
from services.ingest.domain.policy import Band, Classification, Rules, Scale
from services.ingest.domain.spells import NO_SPELL
from tests.unit.ingest.cases import Fed, bill, day, repaid, rules

LATER = 5
"""The day that everything here is asked about; nothing falls due before day 31."""
BEFORE = rules()


def under(now: Rules, *facts: f.Fact) -> Fed:
    """An account folded by the rules before, and looked at under these."""
    fed = Fed(BEFORE)
    fed.facts(*facts)
    fed.account.rules = now
    return fed


def test_a_quiet_account_is_passed_over() -> None:
    assert unmoved(under(BEFORE).account, BEFORE, day(LATER)) is True
    assert unmoved(under(BEFORE, bill()).account, BEFORE, day(31)) is True


def test_an_account_that_nobody_assessed_is_not() -> None:
    fed = under(BEFORE)
    fed.account.assessment = None
    assert unmoved(fed.account, BEFORE, day(LATER)) is False
    fed = under(BEFORE)
    fed.account.rules = None
    assert unmoved(fed.account, BEFORE, day(LATER)) is False


def test_one_in_arrears_is_not() -> None:
    fed = under(BEFORE, bill("b1", 10))
    fed.closes(32)
    assert unmoved(fed.account, BEFORE, day(33)) is False
    fed.fact(repaid("r1", 10, on=33))
    assert unmoved(fed.account, BEFORE, day(34)) is True


def test_one_in_arrears_that_grace_still_covers_is_not() -> None:
    graced = Rules(replace(BEFORE.policy, grace_days=5), BEFORE.classifications)
    fed = Fed(graced)
    fed.fact(bill("b1", 10))
    fed.closes(33)
    assert (fed.now.arrears_minor, fed.now.days_past_due, fed.account.spell) == (10, 0, NO_SPELL)
    assert unmoved(fed.account, graced, day(34)) is False


def test_one_with_a_past_of_its_own_is_not() -> None:
    on_trial = rules("instalment", "eu-default")
    fed = Fed(on_trial)
    fed.facts(bill("b1", 200_000, due=10))
    for number in range(11, 130):
        fed.closes(number)
    fed.fact(repaid("r1", 200_000, on=130))
    assert not fed.now.arrears_minor
    assert unmoved(fed.account, on_trial, day(131)) is False


@pytest.mark.parametrize(("on", "passed"), [(1, False), (2, True)])
def test_only_a_later_day_is_asked_about(on: int, passed: bool) -> None:
    assert unmoved(under(BEFORE).account, BEFORE, day(on)) is passed


def test_one_with_money_to_come_is_not() -> None:
    fed = under(BEFORE)
    fed.fact(repaid("r1", 10, on=60), recorded=1)
    assert fed.account.post_dated
    assert unmoved(fed.account, BEFORE, day(LATER)) is False


@pytest.mark.parametrize("other", [{"surplus": "settles_balance"}, {"overdue": "due_day"}])
def test_one_whose_ledger_other_rules_would_fold_otherwise_is_not(other: dict[str, str]) -> None:
    before = Rules(replace(BEFORE.policy, **other), BEFORE.classifications)  # type: ignore[arg-type]
    assert unmoved(under(BEFORE).account, before, day(LATER)) is False


@pytest.mark.parametrize(("on", "passed"), [(31, True), (32, False), (33, False)])
def test_one_that_changes_by_then_is_not(on: int, passed: bool) -> None:
    assert unmoved(under(BEFORE, bill()).account, BEFORE, day(on)) is passed


@pytest.mark.parametrize(
    ("bands", "passed"),
    [
        ((Band("current", 0), Band("late", 1)), True),
        ((Band("fine", 0), Band("late", 1)), False),
    ],
)
def test_one_that_is_named_otherwise_at_no_days_past_due_is_not(bands: tuple[Band, ...], passed: bool) -> None:
    now = Rules(replace(BEFORE.policy, buckets=Scale(bands)), BEFORE.classifications)
    assert unmoved(under(now).account, BEFORE, day(LATER)) is passed


def test_one_that_gets_a_label_is_not_and_one_that_keeps_it_is() -> None:
    held = Rules(BEFORE.policy, (Classification("held", 1, Scale((Band("good", 0), Band("bad", 1))), held_from=1),))
    assert unmoved(under(held).account, BEFORE, day(LATER)) is False
    assert unmoved(Fed(held).account, held, day(LATER)) is True
