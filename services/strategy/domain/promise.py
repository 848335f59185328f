"""Promises to pay: when one is kept, when it is broken (DOMAIN: Metrics, last paragraph)."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Literal

from services.strategy.domain.repayment import Repayment

PromiseState = Literal["open", "kept", "broken"]


@dataclass(frozen=True, slots=True)
class Promise:
    """What the customer said they would pay, with the terms fixed when it was made.

    Judged once the day `judge_on` (due date and grace) is complete; kept as soon as `threshold_minor` is reached.
    `accounts` are those delinquent when it was made; none means all of the customer's.
    """

    promise_id: str
    customer_id: str
    case_id: str
    amount_minor: int
    currency: str
    promised_on: date
    due_on: date
    judge_on: date
    threshold_minor: int
    accounts: tuple[str, ...] = ()
    state: PromiseState = "open"
    paid_minor: int = 0
    judged_on: date | None = None


def threshold(amount_minor: int, percent: int) -> int:
    """The least sum that keeps a promise, in minor units; a fraction of one counts up."""
    return -(-amount_minor * percent // 100)


def paid(promise: Promise, repayments: Iterable[Repayment]) -> int:
    """Net repayments on the promised accounts from the promise to its date and grace, in minor units."""
    return sum(
        repayment.net_between(promise.promised_on, promise.judge_on)
        for repayment in repayments
        if repayment.currency == promise.currency and (not promise.accounts or repayment.account_id in promise.accounts)
    )
