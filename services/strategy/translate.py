"""Between the wire's contracts and the domain's words, both ways."""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from functools import singledispatch
from typing import Any, Final

from services.strategy.domain import raised as domain
from services.strategy.domain.account import Account
from services.strategy.domain.facts import (
    ContactBecame,
    Fact,
    HoldWanted,
    PromiseGiven,
    RepaymentMoved,
    StatusChanged,
)
from services.strategy.domain.promise import Promise
from shared.contracts import collections as wire
from shared.contracts import delinquency, outcomes
from shared.contracts.fields import Amount, Contract


def makes_known(data: Contract) -> bool:
    """Whether strategy has to remember a customer it does not know yet because of this event.

    The end of a delinquency counts too, so that a status before it that comes late is recognised as old.
    """
    # By exact type, here and below: asking whether something is an instance of a pydantic model costs a microsecond.
    return type(data) in _MAKE_KNOWN or getattr(data, "delinquent", False)


def is_news(data: Contract) -> bool:
    """Whether an event says what became of a contact."""
    return type(data) in _NEWS


def account_of(status: delinquency.DelinquencyStatus) -> Account:
    """The account as the status describes it."""
    return Account(
        account_id=status.account_id,
        customer_id=status.customer_id,
        version=status.version,
        as_of=status.as_of,
        product=status.product,
        delinquent=status.delinquent,
        days_past_due=status.days_past_due,
        bucket=status.bucket,
        arrears_minor=status.arrears.minor,
        currency=status.arrears.currency,
        state=status.state,
        through=getattr(status, "through", None),
    )


def is_read(data: Contract) -> bool:
    """Whether strategy makes anything of an event."""
    return type(data) in _FACTS or type(data) is delinquency.PortfolioAged


def fact_of(data: Any) -> Fact:
    """The fact inside an event of a customer that strategy reads."""
    return _FACTS[type(data)](data)


def _status(data: delinquency.DelinquencyStatus) -> Fact:
    return StatusChanged(account_of(data))


def _repayment(data: delinquency.RepaymentApplied) -> Fact:
    return RepaymentMoved(account_of(data), data.repayment_id, data.amount.minor, data.effective_on)


def _promise(data: outcomes.PromiseMade) -> Fact:
    return PromiseGiven(
        promise_id=data.promise_id,
        case_id=data.case_id,
        amount_minor=data.amount.minor,
        currency=data.amount.currency,
        promised_on=data.promised_on,
        due_on=data.due_on,
    )


_MAKE_KNOWN: Final = frozenset(
    {delinquency.DelinquencyCured, outcomes.PromiseMade, outcomes.DisputeRaised, outcomes.ComplaintReceived}
)
_NEWS: Final = frozenset(
    {
        outcomes.ContactAttempted, outcomes.ContactDelivered, outcomes.ContactFailed, outcomes.ContactSuppressed,
        outcomes.RightPartyReached,
    }
)  # fmt: skip
_FACTS: Final[Mapping[type[Contract], Callable[[Any], Fact]]] = {
    delinquency.DelinquencyEntered: _status,
    delinquency.DelinquencyRolled: _status,
    delinquency.ArrearsChanged: _status,
    delinquency.DelinquencyCured: _status,
    delinquency.RepaymentApplied: _repayment,
    outcomes.ContactAttempted: lambda e: ContactBecame(e.contact_id, "attempted", e.outcome, e.at.date()),
    outcomes.ContactDelivered: lambda e: ContactBecame(e.contact_id, "delivered", None, e.at.date()),
    outcomes.ContactFailed: lambda e: ContactBecame(e.contact_id, "failed", e.reason, e.at.date()),
    outcomes.ContactSuppressed: lambda e: ContactBecame(e.contact_id, "suppressed", e.rule, e.at.date()),
    outcomes.RightPartyReached: lambda e: ContactBecame(e.contact_id, "reached", "right_party", e.at.date()),
    outcomes.PromiseMade: _promise,
    outcomes.DisputeRaised: lambda e: HoldWanted("dispute", e.raised_at.date(), e.dispute_id),
    outcomes.ComplaintReceived: lambda e: HoldWanted("complaint", e.received_at.date(), e.complaint_id),
}


@singledispatch
def events_of(raised: domain.Raised, now: datetime) -> Iterator[wire.CaseEvent]:
    """The events to publish for one thing that happened, in order."""
    raise TypeError(f"no event says {type(raised).__name__}")


@events_of.register
def _(raised: domain.Opened, now: datetime) -> Iterator[wire.CaseEvent]:
    case = raised.case
    yield wire.CaseOpened(
        case_id=case.case_id, customer_id=case.customer_id, opened_on=case.opened_on, accounts=_owed(raised.owed)
    )


@events_of.register
def _(raised: domain.Assigned, now: datetime) -> Iterator[wire.CaseEvent]:
    case = raised.case
    yield wire.StrategyAssigned(
        case_id=case.case_id,
        customer_id=case.customer_id,
        strategy=case.strategy,
        strategy_version=case.strategy_version,
    )


@events_of.register
def _(raised: domain.Treated, now: datetime) -> Iterator[wire.CaseEvent]:
    done = raised.treatment
    yield wire.TreatmentDecided(
        case_id=done.case_id,
        customer_id=done.customer_id,
        treatment_id=done.treatment_id,
        step=done.step,
        rule=done.rule,
        strategy=done.strategy,
        strategy_version=done.strategy_version,
        decided_on=done.decided_on,
        inputs=done.inputs,
        channel=done.channel,
    )
    yield wire.ContactRequested(
        case_id=done.case_id,
        customer_id=done.customer_id,
        contact_id=done.contact_id,
        treatment_id=done.treatment_id,
        channel=done.channel,
        template=done.template,
        accounts=_owed(raised.owed),
        arrears=tuple(Amount.of(minor, code) for code, minor in sorted(raised.arrears.items())),
        days_past_due=raised.days_past_due,
        priority=raised.priority,
        requested_at=now,
        expires_at=done.expires_at,
    )


@events_of.register
def _(raised: domain.Withdrawn, now: datetime) -> Iterator[wire.CaseEvent]:
    done = raised.treatment
    yield wire.ContactWithdrawn(
        case_id=done.case_id, customer_id=done.customer_id, contact_id=done.contact_id, reason=raised.reason
    )


@events_of.register
def _(raised: domain.Judged, now: datetime) -> Iterator[wire.CaseEvent]:
    promise = raised.promise
    kind = wire.PromiseKept if promise.state == "kept" else wire.PromiseBroken
    yield kind(**_judged(promise))


@events_of.register
def _(raised: domain.HoldSet, now: datetime) -> Iterator[wire.CaseEvent]:
    hold = raised.hold
    yield wire.HoldPlaced(
        case_id=hold.case_id, customer_id=hold.customer_id, hold_id=hold.hold_id, kind=hold.kind, until_on=hold.until_on
    )


@events_of.register
def _(raised: domain.HoldGone, now: datetime) -> Iterator[wire.CaseEvent]:
    hold = raised.hold
    yield wire.HoldReleased(case_id=hold.case_id, customer_id=hold.customer_id, hold_id=hold.hold_id, kind=hold.kind)


@events_of.register
def _(raised: domain.Closed, now: datetime) -> Iterator[wire.CaseEvent]:
    case = raised.case
    yield wire.CaseClosed(case_id=case.case_id, customer_id=case.customer_id, closed_on=raised.on, reason=raised.reason)


def _owed(owed: tuple[domain.Owed, ...]) -> tuple[wire.AccountOwed, ...]:
    return tuple(
        wire.AccountOwed(
            account_id=one.account_id,
            arrears=Amount.of(one.arrears_minor, one.currency),
            days_past_due=one.days_past_due,
            bucket=one.bucket,
            version=one.version,
        )
        for one in owed
    )


def _judged(promise: Promise) -> dict[str, Any]:
    return {
        "case_id": promise.case_id,
        "customer_id": promise.customer_id,
        "promise_id": promise.promise_id,
        "promised": Amount.of(promise.amount_minor, promise.currency),
        # Net of reversals: more may have gone back than came in.
        "paid": Amount.of(max(0, promise.paid_minor), promise.currency),
        "promised_on": promise.promised_on,
        "due_on": promise.due_on,
        "judged_on": promise.judged_on,
    }
