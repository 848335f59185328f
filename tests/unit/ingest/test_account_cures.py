"""How an account is cured, at once or on the date that a fact waits for."""

import pytest

from services.ingest.domain import facts as f
from services.ingest.domain.changes import RepaymentEffect
from tests.unit.ingest.cases import Fed, bill, day, kinds, repaid


def test_a_repayment_counts_on_its_day_before_the_day_closes() -> None:
    fed = Fed()
    fed.fact(bill(due=31))
    fed.closes(40)
    applied, cured = fed.fact(repaid(on=41))
    assert applied.kind == "repayment_applied"
    assert applied.repayment == RepaymentEffect("r1", 10_000, 10_000, day(41))
    assert (cured.kind, cured.through, cured.reason) == ("cured", "repayment", "repayment")
    assert applied.assessment == cured.assessment
    assert (applied.version, cured.version) == (3, 4)
    assert (cured.previous_bucket, cured.assessment.as_of) == ("1-29", day(41))
    assert fed.closes(41) == []


def test_a_repayment_recorded_before_it_counts_waits_for_its_date() -> None:
    fed = Fed()
    fed.fact(bill(due=31))
    fed.closes(40)
    (applied,) = fed.fact(repaid(on=45), recorded=41)
    assert applied.repayment == RepaymentEffect("r1", 10_000, 0, day(45))
    assert (fed.account.as_of, fed.account.post_dated) == (day(40), True)
    assert fed.now.next_transition_on == day(45)
    assert fed.closes(44) == []
    (cured,) = fed.closes(45)
    assert (cured.kind, cured.through, cured.reason) == ("cured", "repayment", "ageing")
    assert cured.cause == f"ageing:{day(45)}"
    assert not fed.account.post_dated


def test_a_fact_that_changes_nothing_waits_no_longer_than_for_its_date() -> None:
    fed = Fed()
    fed.fact(f.Balance("e1", 100_000, day(45)), recorded=20)
    for number, waits in ((44, True), (45, False)):
        assert fed.closes(number) == []
        assert fed.account.post_dated == waits


@pytest.mark.parametrize(("fact", "through"), [(f.Reaged("g1", day(45)), "reage"), (f.Closed(day(45)), "closure")])
def test_other_post_dated_facts_cure_on_their_date(fact: f.Fact, through: str) -> None:
    fed = Fed()
    fed.fact(bill(due=31))
    fed.closes(40)
    assert fed.fact(fact, recorded=41) == []
    (cured,) = fed.closes(45)
    assert (cured.kind, cured.through) == ("cured", through)


def test_what_counted_before_is_not_what_cures_later() -> None:
    fed = Fed()
    fed.facts(bill(due=31), repaid(amount=4_000, on=40))
    fed.fact(f.Reaged("g1", day(45)), recorded=41)
    (cured,) = fed.closes(45)
    assert (cured.kind, cured.through) == ("cured", "reage")


def test_a_cure_and_a_new_overdue_bill_one_after_the_other_tell_both() -> None:
    fed = Fed()
    fed.fact(bill("b1", due=31))
    fed.closes(40)
    told = fed.facts(repaid(on=41), bill("b2", due=35, issued=30))
    assert kinds(told) == ["repayment_applied", "cured", "entered"]
    assert told[-1].reason == "bill"


@pytest.mark.parametrize(
    ("fact", "through"),
    [
        (f.Cancelled("b1", day(41)), "cancellation"),
        (f.Adjusted("b1", "j1", 0, day(41)), "adjustment"),
        (f.Reaged("g1", day(41)), "reage"),
        (f.Closed(day(41)), "closure"),
        (f.Paused("p1", day(20)), "pause"),
    ],
)
def test_a_cure_says_through_what(fact: f.Fact, through: str) -> None:
    fed = Fed()
    fed.fact(bill(due=31))
    fed.closes(40)
    (cured,) = fed.fact(fact, recorded=41)
    assert (cured.kind, cured.through, cured.reason) == ("cured", through, through)
