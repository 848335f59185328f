"""Which money meets which obligation, from scratch."""

import pytest

from services.ingest.domain import facts as f
from services.ingest.domain.allocation import Allocation, allocate
from services.ingest.domain.known import Known
from tests.unit.ingest.cases import bill, day, policy, repaid


def allocated(*facts: f.Fact, by: str = "instalment", on: int = 60) -> Allocation:
    return allocate(Known(facts), policy(by), day(on))


def met(allocation: Allocation) -> dict[str, list[tuple[str, int]]]:
    return {meeting.obligation.id: meeting.met_by for meeting in allocation.meetings}


def test_a_cards_money_passes_over_what_was_not_issued_yet() -> None:
    facts: list[f.Fact] = [
        bill("b1", 10, due=20, issued=10),
        bill("b2", 10, due=30, issued=5),
        bill("b3", 10, due=40, issued=12),
    ]
    money = [repaid("r1", 13, on=6), repaid("r2", 4, on=10), repaid("r3", 7, on=11)]
    card = allocated(*facts, *money, by="card-minimum-payment")
    assert met(card) == {"b1": [("r2", 4), ("r3", 6)], "b2": [("r1", 10)], "b3": []}
    assert card.left_minor == {"r1": 3, "r2": 0, "r3": 1}
    assert met(allocated(*facts, *money)) == {
        "b1": [("r1", 10)], "b2": [("r1", 3), ("r2", 4), ("r3", 3)], "b3": [("r3", 4)],
    }  # fmt: skip


@pytest.mark.parametrize(("on", "paid"), [(9, 0), (10, 7), (11, 7)])
def test_a_cards_bill_takes_money_from_the_day_of_its_issue_on(on: int, paid: int) -> None:
    (meeting,) = allocated(
        bill("b1", 10, due=20, issued=10), repaid("r1", 7, on=on), by="card-minimum-payment"
    ).meetings
    assert meeting.paid_minor == paid


@pytest.mark.parametrize("missing", [1, 2])
def test_a_re_age_takes_out_whatever_is_missing(missing: int) -> None:
    allocation = allocated(bill("b1", 10, due=20), repaid("r1", 10 - missing, on=15), f.Reaged("g1", day(25)))
    (meeting,) = allocation.meetings
    assert (meeting.reaged, meeting.unpaid_minor, allocation.left_minor) == (True, missing, {"r1": 0})


def test_a_re_age_leaves_what_is_paid() -> None:
    (meeting,) = allocated(bill("b1", 10, due=20), repaid("r1", 10, on=15), f.Reaged("g1", day(25))).meetings
    assert (meeting.reaged, meeting.paid_minor) == (False, 10)


@pytest.mark.parametrize(("on", "overdue"), [(31, False), (32, True), (33, True)])
def test_what_is_unpaid_is_overdue_from_its_day_unless_re_aged(on: int, overdue: bool) -> None:
    (meeting,) = allocated(bill()).meetings
    assert meeting.overdue(day(on)) == overdue
    (paid,) = allocated(bill(), repaid(on=20)).meetings
    assert not paid.overdue(day(on))
    (reaged,) = allocated(bill(), f.Reaged("g1", day(40))).meetings
    assert not reaged.overdue(day(on))


@pytest.mark.parametrize(("paid", "short"), [(899, True), (900, False), (901, False), (1_000, False)])
def test_what_is_missing_is_short_above_the_tolerance(paid: int, short: bool) -> None:
    (meeting,) = allocated(bill(amount=1_000), repaid(amount=paid, on=20)).meetings
    assert meeting.short(policy("us-ffiec")) == short
    assert meeting.short(policy()) == (paid < 1_000)
