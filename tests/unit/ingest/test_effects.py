"""What a repayment and what undoes it did to arrears, whichever of them came first."""

import pytest

from services.ingest.domain import facts as f
from services.ingest.domain.changes import RepaymentEffect, Told
from services.ingest.domain.effects import money_told
from tests.unit.ingest.cases import bill, day, opened, policy, repaid

OWED: list[f.Fact] = [opened(), bill("b1", 100)]
BACK, GONE = f.ChargedBack("r1", day(41)), f.Reversed("r1", day(42))


def told(past: list[f.Fact], fact: f.Fact, on: int = 45) -> list[tuple[str, int, int, int]]:
    """Reason, amount, applied to arrears, day of 2021."""
    lines = money_told([*OWED, *past], fact, policy(), day(on))
    return [
        (reason, effect.amount_minor, effect.applied_to_arrears_minor, effect.effective_on.timetuple().tm_yday)
        for effect, reason in lines
    ]


def test_a_line_has_the_repayments_id() -> None:
    assert money_told(OWED, repaid("r1", 30, on=40), policy(), day(45)) == [
        Told(RepaymentEffect("r1", 30, 30, day(40)), "repayment")
    ]


@pytest.mark.parametrize(
    ("past", "fact", "lines"),
    [
        ([], bill("b2"), []),
        ([], repaid("r1", 30, on=40), [("repayment", 30, 30, 40)]),
        ([], repaid("r1", 130, on=40), [("repayment", 130, 100, 40)]),
        ([], repaid("r1", 30, on=46), [("repayment", 30, 0, 46)]),
        ([repaid("r1", 30, on=40)], GONE, [("reversal", -30, -30, 42)]),
        ([repaid("r1", 30, on=40)], BACK, [("chargeback", -30, -30, 41)]),
        ([repaid("r1", 30, on=40), BACK], GONE, [("reversal", 0, 0, 42)]),
        ([repaid("r1", 30, on=40), GONE], BACK, [("chargeback", 0, 0, 41)]),
        ([], GONE, []),
        ([], BACK, []),
        ([repaid("r2", 9, on=40)], GONE, []),
        ([GONE], repaid("r1", 30, on=40), [("repayment", 30, 30, 40), ("reversal", -30, -30, 42)]),
        (
            [BACK, GONE],
            repaid("r1", 30, on=40),
            [("repayment", 30, 30, 40), ("chargeback", -30, -30, 41), ("reversal", 0, 0, 42)],
        ),
        ([GONE], repaid("r2", 30, on=40), [("repayment", 30, 30, 40)]),
        ([f.Closed(day(45))], repaid("r1", 30, on=40), [("repayment", 30, 0, 40)]),
        ([f.Closed(day(46))], repaid("r1", 30, on=40), [("repayment", 30, 30, 40)]),
    ],
)
def test_each_that_has_arrived_is_told(
    past: list[f.Fact], fact: f.Fact, lines: list[tuple[str, int, int, int]]
) -> None:
    assert told(past, fact) == lines
