"""Learning: how each fact changes what is known of a customer. Stops take effect here, at once.

What to do about the new state is decided in `settle`, at a day's end or, if the strategy says so, after each fact.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta

from services.strategy.domain.account import Account
from services.strategy.domain.customer import Customer
from services.strategy.domain.facts import (
    ContactBecame,
    Fact,
    HoldLifted,
    HoldWanted,
    PromiseGiven,
    RepaymentMoved,
    StatusChanged,
    happened_on,
)
from services.strategy.domain.hold import Hold
from services.strategy.domain.identity import hold_id
from services.strategy.domain.promise import Promise, paid, threshold
from services.strategy.domain.raised import HoldGone, HoldSet, Judged, Raised, Withdrawn
from services.strategy.domain.repayment import Repayment
from services.strategy.domain.strategy import PromiseTerms


def learn(customer: Customer, fact: Fact, terms: PromiseTerms) -> list[Raised]:
    """Fold one fact into the customer; what it raises at once. A fact known already changes nothing."""
    if isinstance(fact, StatusChanged | RepaymentMoved) and not _concerns(customer, fact.account):
        return []
    raised = list(_fold(customer, fact, terms))
    raised.extend(_stops(customer))
    if customer.to_be_decided():
        customer.look_again_on(happened_on(fact))
    return raised


def _fold(customer: Customer, fact: Fact, terms: PromiseTerms) -> Iterator[Raised]:
    match fact:
        case StatusChanged(account):
            _take_status(customer, account)
        case RepaymentMoved(account):
            _take_status(customer, account)
            yield from _take_repayment(customer, fact)
        case ContactBecame():
            _take_news(customer, fact)
        case PromiseGiven():
            yield from _take_promise(customer, fact, terms)
        case HoldWanted():
            yield from _place_hold(customer, fact)
        case HoldLifted():
            yield from release_hold(customer, fact.hold_id, fact.on)


def _concerns(customer: Customer, account: Account) -> bool:
    """Accounts that never were delinquent are none of a case's business, however often their statuses change."""
    return account.delinquent or account.through is not None or account.account_id in customer.accounts


def _take_status(customer: Customer, account: Account) -> None:
    known = customer.accounts.get(account.account_id)
    if known is not None and known.version >= account.version:
        return
    if known is not None and account.through is None and not account.delinquent:
        account = replace(account, through=known.through)
    customer.accounts[account.account_id] = account


def _take_repayment(customer: Customer, fact: RepaymentMoved) -> Iterator[Raised]:
    account = fact.account
    key = (account.account_id, fact.repayment_id)
    known = customer.repayments.get(key) or Repayment(customer.customer_id, *key, account.currency)
    customer.repayments[key] = known.with_movement(fact.amount_minor, fact.effective_on)
    for promise in list(customer.promises.values()):
        yield from _weigh(customer, promise, account.as_of)


def _weigh(customer: Customer, promise: Promise, on: date) -> Iterator[Raised]:
    """Kept as soon as enough came in. Falling below again only reopens it: the day's end judges (`settle`)."""
    paid_minor = paid(promise, customer.repayments.values())
    enough = paid_minor >= promise.threshold_minor
    if enough and promise.state != "kept":
        promise = replace(promise, state="kept", paid_minor=paid_minor, judged_on=on)
        yield Judged(promise)
    elif not enough and promise.state == "kept":
        promise = replace(promise, state="open", paid_minor=paid_minor, judged_on=None)
    elif paid_minor != promise.paid_minor:
        promise = replace(promise, paid_minor=paid_minor)
    customer.promises[promise.promise_id] = promise


def _take_news(customer: Customer, fact: ContactBecame) -> None:
    known = customer.treatments.get(fact.contact_id)
    if known is not None:
        customer.treatments[fact.contact_id] = known.became(fact.state, fact.outcome, fact.on)


def _take_promise(customer: Customer, fact: PromiseGiven, terms: PromiseTerms) -> Iterator[Raised]:
    if fact.promise_id in customer.promises:
        return
    promise = Promise(
        promise_id=fact.promise_id,
        customer_id=customer.customer_id,
        case_id=fact.case_id or customer.case_id,
        amount_minor=fact.amount_minor,
        currency=fact.currency,
        promised_on=fact.promised_on,
        due_on=fact.due_on,
        judge_on=fact.due_on + timedelta(days=terms.grace_days),
        threshold_minor=threshold(fact.amount_minor, terms.threshold_percent),
        accounts=tuple(account.account_id for account in customer.delinquent_accounts()),
    )
    yield from _weigh(customer, promise, fact.promised_on)


def _place_hold(customer: Customer, fact: HoldWanted) -> Iterator[Raised]:
    identity = fact.hold_id or hold_id(customer.customer_id, len(customer.holds) + 1)
    if identity in customer.holds:
        return
    hold = Hold(identity, customer.customer_id, customer.case_id, fact.kind, fact.on, fact.until_on)
    customer.holds[identity] = hold
    customer.look_again_on(hold.until_on)
    yield HoldSet(hold)


def release_hold(customer: Customer, identity: str, on: date) -> Iterator[Raised]:
    """Lift a hold, by command or because its last day has come."""
    hold = customer.holds.get(identity)
    if hold is None or not hold.active:
        return
    customer.holds[identity] = replace(hold, released_on=on)
    yield HoldGone(customer.holds[identity])


def _stops(customer: Customer) -> Iterator[Raised]:
    """Withdraw what is asked for and not yet done, when there is a reason not to contact the customer any more."""
    reason = stop_reason(customer)
    if reason is None:
        return
    for treatment in list(customer.treatments.values()):
        if treatment.outstanding:
            customer.treatments[treatment.contact_id] = replace(treatment, state="withdrawn", outcome=reason)
            yield Withdrawn(treatment, reason)


def stop_reason(customer: Customer) -> str | None:
    """Why nobody may be contacted now: cured, hold or promise; None when contact may go on."""
    if not any(account.delinquent for account in customer.accounts.values()):
        return "cured"
    if customer.active_holds():
        return "hold"
    return "promise" if customer.open_promises() else None
