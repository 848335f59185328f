"""Money that goes back: what an account tells of reversals and chargebacks."""

from services.ingest.domain import facts as f
from services.ingest.domain.changes import RepaymentEffect
from tests.unit.ingest.cases import Fed, bill, day, repaid


def test_a_reversal_takes_its_money_out_of_the_past() -> None:
    fed = Fed()
    fed.facts(bill(due=31), repaid(on=31))
    fed.closes(70)
    applied, entered = fed.fact(f.Reversed("r1", day(71)))
    assert applied.repayment == RepaymentEffect("r1", -10_000, -10_000, day(71))
    assert (applied.reason, entered.kind) == ("reversal", "entered")
    assert (applied.cause, entered.cause, entered.reason) == ("e-1", "e-1", "reversal")
    assert (entered.assessment.days_past_due, entered.assessment.delinquent_since) == (40, day(32))


def test_a_chargeback_takes_the_money_back_from_its_date() -> None:
    fed = Fed()
    fed.facts(bill(due=31), repaid(on=31))
    fed.closes(70)
    (applied,) = fed.fact(f.ChargedBack("r1", day(71)))
    assert applied.repayment == RepaymentEffect("r1", -10_000, 0, day(71))
    (entered,) = fed.closes(72)
    assert (entered.kind, entered.assessment.days_past_due, entered.reason) == ("entered", 1, "ageing")


def test_money_charged_back_and_then_reversed_goes_back_once() -> None:
    fed = Fed()
    fed.facts(bill(due=31), repaid(on=31), f.ChargedBack("r1", day(40)))
    amounts = [c.repayment.amount_minor for c in fed.fact(f.Reversed("r1", day(41))) if c.repayment]
    assert amounts == [0]
