"""Events as ingest and contact would send them."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from shared.contracts import delinquency, outcomes
from shared.contracts.fields import Amount

MONDAY = date(2026, 3, 2)


def day(number: int) -> date:
    """The n-th day; 0 is a Monday."""
    return MONDAY + timedelta(days=number)


def _status(customer: str, version: int, on: date, arrears: int, dpd: int, **more: Any) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "account_id": f"a-{customer}",
        "customer_id": customer,
        "product": "loan",
        "version": version,
        "as_of": on,
        "days_past_due": dpd,
        "bucket": "1-29" if arrears else "current",
        "previous_bucket": "current",
        "delinquent": arrears > 0,
        "arrears": Amount.of(arrears, "EUR"),
        "exposure": Amount.of(500_000, "EUR"),
        "policy": "instalment",
        "policy_version": 1,
        "cause": f"ageing:{on}",
        "reason": "ageing",
    }
    return fields | more


def entered(
    customer: str, version: int, on: date, arrears: int = 10_000, dpd: int = 1
) -> delinquency.DelinquencyEntered:
    """The customer's account became delinquent."""
    return delinquency.DelinquencyEntered(**_status(customer, version, on, arrears, dpd))


def cured(customer: str, version: int, on: date) -> delinquency.DelinquencyCured:
    """The customer's account is delinquent no longer."""
    return delinquency.DelinquencyCured(**_status(customer, version, on, 0, 0), through="repayment")


def changed(customer: str, version: int, on: date, arrears: int = 0) -> delinquency.ArrearsChanged:
    """Something else about the account changed."""
    return delinquency.ArrearsChanged(**_status(customer, version, on, arrears, 1 if arrears else 0))


def repaid(
    customer: str, version: int, on: date, amount: int, left: int, key: str = "r-1"
) -> delinquency.RepaymentApplied:
    """Money came in, or went back."""
    return delinquency.RepaymentApplied(
        **_status(customer, version, on, left, 1 if left else 0),
        repayment_id=key,
        amount=Amount.of(amount, "EUR"),
        applied_to_arrears=Amount.of(amount, "EUR"),
        effective_on=on,
    )


def aged(on: date, shard: int = 0, shards: int = 1) -> delinquency.PortfolioAged:
    """An ingest shard finished the date."""
    return delinquency.PortfolioAged(business_date=on, source_shard=shard, source_shards=shards)


def at(on: date) -> datetime:
    """The morning of a day."""
    return datetime.combine(on, time(9, 30), UTC)


def attempted(customer: str, contact_id: str, case_id: str, on: date) -> outcomes.ContactAttempted:
    """The message went out."""
    return outcomes.ContactAttempted(
        customer_id=customer, contact_id=contact_id, case_id=case_id, channel="sms", attempt_id="t-1", at=at(on)
    )


def promised(customer: str, on: date, due: date, amount: int = 10_000) -> outcomes.PromiseMade:
    """The customer promised to pay."""
    return outcomes.PromiseMade(
        customer_id=customer, promise_id=f"p-{customer}", amount=Amount.of(amount, "EUR"), due_on=due, promised_on=on,
        made_at=at(on),
    )  # fmt: skip


def disputed(customer: str, on: date) -> outcomes.DisputeRaised:
    """The customer says that the debt is wrong."""
    return outcomes.DisputeRaised(customer_id=customer, dispute_id=f"d-{customer}", raised_at=at(on))
