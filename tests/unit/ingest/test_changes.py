"""What two assessments tell: which kinds, numbered how, with which reasons."""

from typing import Any

import pytest

from services.ingest.domain import facts as f
from services.ingest.domain.assessment import Assessment
from services.ingest.domain.changes import REASONS, RepaymentEffect, StatusChange, Told, changes
from tests.unit.ingest.cases import day

FINE = Assessment(day(40), 0, "current", False, None, 0, 900, None, (("x", "good"),), "open", day(50))
LATE = Assessment(day(41), 9, "1-29", True, day(32), 70, 900, day(31), (("x", "bad"),), "open", day(61))


def told(last: Assessment, now: Assessment, *money: Told) -> list[StatusChange]:
    return changes(4, last, now, "e-1", "bill", "repayment", money)


def test_each_fact_has_its_reason() -> None:
    expected: dict[type[object], str] = {
        f.Opened: "opening", f.Billed: "bill", f.Adjusted: "adjustment", f.Cancelled: "cancellation",
        f.Repaid: "repayment", f.Reversed: "reversal", f.ChargedBack: "chargeback", f.Balance: "balance",
        f.Paused: "pause", f.Resumed: "pause", f.Reaged: "reage", f.ReageUndone: "reage", f.WrittenOff: "write-off",
        f.Closed: "closure",
    }  # fmt: skip
    assert expected == REASONS


def test_nothing_that_differs_tells_nothing() -> None:
    assert told(FINE, FINE) == []
    assert told(LATE, LATE._replace(as_of=day(42), days_past_due=10, next_transition_on=None)) == []


def test_a_delinquency_begins_and_ends() -> None:
    assert told(FINE, LATE) == [StatusChange("entered", 5, LATE, "current", "e-1", "bill")]
    assert told(LATE, FINE) == [StatusChange("cured", 5, FINE, "1-29", "e-1", "bill", "repayment")]


def test_a_bucket_rolls_while_delinquent() -> None:
    worse = LATE._replace(bucket="30-59")
    assert told(LATE, worse) == [StatusChange("rolled", 5, worse, "1-29", "e-1", "bill")]
    in_name = FINE._replace(bucket="grace")
    assert told(FINE, in_name) == [StatusChange("arrears_changed", 5, in_name, "current", "e-1", "bill")]


@pytest.mark.parametrize(
    "other",
    [
        {"arrears_minor": 1},
        {"exposure_minor": 1},
        {"oldest_due_on": day(30)},
        {"classifications": ()},
        {"state": "written-off"},
    ],
)
def test_each_published_figure_is_a_change_unless_money_tells_it(other: dict[str, Any]) -> None:
    now = LATE._replace(**other)
    assert told(LATE, now) == [StatusChange("arrears_changed", 5, now, "1-29", "e-1", "bill")]
    effect = RepaymentEffect("r1", 5, 5, day(41))
    assert told(LATE, now, Told(effect, "repayment")) == [
        StatusChange("repayment_applied", 5, now, "1-29", "e-1", "repayment", None, effect)
    ]


def test_money_is_told_before_the_move_and_each_has_a_version() -> None:
    come, gone = RepaymentEffect("r1", 70, 70, day(40)), RepaymentEffect("r1", -70, -70, day(41))
    assert told(LATE, FINE, Told(come, "repayment"), Told(gone, "reversal")) == [
        StatusChange("repayment_applied", 5, FINE, "1-29", "e-1", "repayment", None, come),
        StatusChange("repayment_applied", 6, FINE, "1-29", "e-1", "reversal", None, gone),
        StatusChange("cured", 7, FINE, "1-29", "e-1", "bill", "repayment"),
    ]
