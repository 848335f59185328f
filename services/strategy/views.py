"""What the API shows, as models: cases with the reasons for what was done, and for what is not being done."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from pydantic import BaseModel

from services.strategy.domain.case import Case
from services.strategy.domain.customer import Customer
from services.strategy.domain.decision import Nothing, decide
from services.strategy.domain.promise import Promise
from services.strategy.domain.settle import strategy_of
from services.strategy.domain.strategy import StrategyBook
from shared.contracts.fields import Amount


class AccountView(BaseModel):
    """One account strategy remembers."""

    account_id: str
    product: str
    delinquent: bool
    days_past_due: int
    bucket: str
    arrears: Amount
    as_of: date
    status_version: int


class DecisionView(BaseModel):
    """One decision that did something: what was known, which rule it was, and what became of it."""

    treatment_id: str
    contact_id: str
    step: str
    sequence: int
    channel: str
    template: str
    decided_on: date
    strategy: str
    strategy_version: int
    rule: str
    inputs: dict[str, Any]
    state: str
    outcome: str | None
    attempted_on: date | None
    expires_at: datetime


class PromiseView(BaseModel):
    """One promise and how it stands."""

    promise_id: str
    amount: Amount
    promised_on: date
    due_on: date
    judged_when_complete: date
    needed_to_keep: Amount
    paid: Amount
    state: str
    judged_on: date | None


class HoldView(BaseModel):
    """One hold."""

    hold_id: str
    kind: str
    placed_on: date
    until_on: date | None
    released_on: date | None


class NextView(BaseModel):
    """What happens next: a step that is due, or why nothing is done and when that may change by itself."""

    doing: str
    reason: str
    explanation: str
    next_decision_on: date | None


class CaseDetail(BaseModel):
    """The open case of a customer, or the last one."""

    case_id: str
    customer_id: str
    number: int
    state: str
    opened_on: date
    closed_on: date | None
    closed_because: str | None
    strategy: str
    strategy_version: int
    business_date: date | None
    accounts: list[AccountView]
    decisions: list[DecisionView]
    promises: list[PromiseView]
    holds: list[HoldView]
    next: NextView


class CaseLine(BaseModel):
    """One case in a list."""

    case_id: str
    customer_id: str
    state: str
    opened_on: date
    closed_on: date | None
    strategy: str
    days_past_due: int
    arrears: list[Amount]
    next_decision_on: date | None


class CaseList(BaseModel):
    """A page of cases, by customer; `after` continues where it ends, and is missing on the last page."""

    cases: list[CaseLine]
    after: str | None


def case_view(
    customer: Customer,
    case: Case,
    treatments: Sequence[Mapping[str, Any]],
    business_date: date | None,
    book: StrategyBook,
) -> CaseDetail:
    """All of a case. `treatments` are its rows with rules and inputs, oldest first."""
    return CaseDetail(
        case_id=case.case_id,
        customer_id=customer.customer_id,
        number=case.number,
        state="open" if case.open else "closed",
        opened_on=case.opened_on,
        closed_on=case.closed_on,
        closed_because=case.reason,
        strategy=case.strategy,
        strategy_version=case.strategy_version,
        business_date=business_date,
        accounts=_accounts(customer),
        decisions=[DecisionView.model_validate(row) for row in treatments],
        promises=[_promise(one) for one in customer.promises.values()],
        holds=[HoldView.model_validate(one, from_attributes=True) for one in customer.holds.values()],
        next=_next(customer, business_date, book),
    )


def case_list(rows: Sequence[Any], limit: int) -> CaseList:
    """A page of cases from their rows."""
    lines = [
        CaseLine(
            case_id=row.case_id,
            customer_id=row.customer_id,
            state="open" if row.closed_on is None else "closed",
            opened_on=row.opened_on,
            closed_on=row.closed_on,
            strategy=row.strategy,
            days_past_due=row.days_past_due,
            arrears=[
                Amount.of(minor, code) for code, minor in zip(row.currencies or (), row.amounts or (), strict=True)
            ],
            next_decision_on=row.next_decision_on,
        )
        for row in rows
    ]
    return CaseList(cases=lines, after=lines[-1].customer_id if len(lines) == limit else None)


def _accounts(customer: Customer) -> list[AccountView]:
    return [
        AccountView(
            account_id=one.account_id,
            product=one.product,
            delinquent=one.delinquent,
            days_past_due=one.days_past_due,
            bucket=one.bucket,
            arrears=Amount.of(one.arrears_minor, one.currency),
            as_of=one.as_of,
            status_version=one.version,
        )
        for _, one in sorted(customer.accounts.items())
    ]


def _promise(one: Promise) -> PromiseView:
    return PromiseView(
        promise_id=one.promise_id,
        amount=Amount.of(one.amount_minor, one.currency),
        promised_on=one.promised_on,
        due_on=one.due_on,
        judged_when_complete=one.judge_on,
        needed_to_keep=Amount.of(one.threshold_minor, one.currency),
        paid=Amount.of(one.paid_minor, one.currency),
        state=one.state,
        judged_on=one.judged_on,
    )


def _next(customer: Customer, business_date: date | None, book: StrategyBook) -> NextView:
    """The decision as it would be made now: it is a pure function, so that asking changes nothing."""
    again = customer.next_decision_on
    if customer.open_case is None:
        return NextView(doing="nothing", reason="closed", explanation="no case is open", next_decision_on=again)
    on = max([account.as_of for account in customer.accounts.values()] + ([business_date] if business_date else []))
    decision = decide(strategy_of(customer, book), customer.view(on), on)
    if isinstance(decision, Nothing):
        return NextView(doing="nothing", reason=decision.reason, explanation=decision.text, next_decision_on=again)
    return NextView(doing=decision.step.name, reason="due", explanation=decision.rule, next_decision_on=again)
