"""Deciding: what follows from the state of a customer on a business date.

`end_day` runs for the customers who are due once a business day is complete; `settle` alone also after every fact
for cases whose strategy decides `on_change`. Promises are judged at a day's end only: before it, money that counts
for the day may be missing.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta

from services.strategy.domain.case import Case
from services.strategy.domain.customer import Customer, owed
from services.strategy.domain.decision import Decision, decide
from services.strategy.domain.fold import release_hold
from services.strategy.domain.history import History
from services.strategy.domain.identity import case_id, contact_id, treatment_id
from services.strategy.domain.raised import Assigned, Closed, Judged, Opened, Raised, Treated
from services.strategy.domain.strategy import Strategy, StrategyBook
from services.strategy.domain.treatment import Treatment


def strategy_of(customer: Customer, book: StrategyBook) -> Strategy:
    """The strategy of the open case, in the version now in use; without a case, the one it would get."""
    case = customer.open_case
    if case is not None and case.strategy in book.strategies:
        return book.strategies[case.strategy]
    return book.for_products(frozenset(account.product for account in customer.delinquent_accounts()))


def end_day(customer: Customer, on: date, now: datetime, book: StrategyBook) -> list[Raised]:
    """The end of a complete business day: judge promises, let holds run out, then settle what follows.

    Afterwards the day to look again is later than `on`, or there is none.
    """
    raised = [*_judge_promises(customer, on), *_release_holds(customer, on)]
    return raised + settle(customer, on, now, book)


def settle(customer: Customer, on: date, now: datetime, book: StrategyBook) -> list[Raised]:
    """Open or close the case, treat it, and set the day on which to look again.

    `now` matters only where it is late: see `worthless_from`.
    """
    customer.next_decision_on = None
    raised = list(_open_or_close(customer, on, book))
    if customer.open_case is not None:
        raised += _treat(customer, on, now, strategy_of(customer, book))
    for promise in customer.open_promises():
        customer.look_again_on(promise.judge_on)
    for hold in customer.active_holds():
        customer.look_again_on(hold.until_on)
    return raised


def _judge_promises(customer: Customer, on: date) -> Iterator[Raised]:
    for promise in customer.open_promises():
        if promise.judge_on <= on:
            broken = replace(promise, state="broken", judged_on=on)
            customer.promises[promise.promise_id] = broken
            yield Judged(broken)


def _release_holds(customer: Customer, on: date) -> Iterator[Raised]:
    for hold in customer.active_holds():
        if hold.until_on is not None and hold.until_on <= on:
            yield from release_hold(customer, hold.hold_id, on)


def _open_or_close(customer: Customer, on: date, book: StrategyBook) -> Iterator[Raised]:
    case, delinquent = customer.open_case, customer.delinquent_accounts()
    if case is None and delinquent:
        strategy = strategy_of(customer, book)
        number = customer.case.number + 1 if customer.case else 1
        identity = case_id(customer.customer_id, number)
        case = customer.keep(Case(identity, customer.customer_id, number, on, strategy.name, strategy.version))
        yield Opened(case, owed(delinquent, on))
        yield Assigned(case)
    elif case is not None and not delinquent:
        reason = _how_it_ended(customer, case)
        yield Closed(customer.keep(replace(case, closed_on=on, reason=reason)), on, reason)
    elif case is not None:
        yield from _follow_version(customer, case, strategy_of(customer, book))


def _follow_version(customer: Customer, case: Case, strategy: Strategy) -> Iterator[Raised]:
    """A case goes on under the version now in use, and says so."""
    if (case.strategy, case.strategy_version) != (strategy.name, strategy.version):
        yield Assigned(customer.keep(replace(case, strategy=strategy.name, strategy_version=strategy.version)))


def _how_it_ended(customer: Customer, case: Case) -> str:
    """What ended the delinquency of the account that was last to leave it."""
    ended = [a for a in customer.accounts.values() if a.through is not None and a.as_of >= case.opened_on]
    last = max(ended, key=lambda a: (a.as_of, a.account_id), default=None)
    if last is None or last.through in (None, "repayment"):
        return "cured"
    return "closed" if last.state == "closed" else str(last.through)


def _treat(customer: Customer, on: date, now: datetime, strategy: Strategy) -> Iterator[Raised]:
    view = customer.view(on)
    decision = decide(strategy, view, on)
    if isinstance(decision, Decision):
        treatment = _treatment(customer, strategy, decision, on, now)
        customer.treatments[treatment.contact_id] = treatment
        yield Treated(
            treatment=treatment,
            owed=owed(customer.delinquent_accounts(), on),
            arrears=view.arrears,
            days_past_due=view.days_past_due,
            priority=decision.step.priority,
        )
        decision = decide(strategy, replace(view, history=History.of(customer.case_treatments())), on)
    if isinstance(decision, Decision):  # one treatment a day: `decide` does not give a second one
        raise AssertionError("a second treatment on one day")
    customer.look_again_on(decision.next_on)


def _treatment(customer: Customer, strategy: Strategy, decision: Decision, on: date, now: datetime) -> Treatment:
    step = decision.step
    identity = treatment_id(customer.case_id, step.name, decision.sequence)
    return Treatment(
        treatment_id=identity,
        customer_id=customer.customer_id,
        case_id=customer.case_id,
        contact_id=contact_id(identity),
        step=step.name,
        sequence=decision.sequence,
        channel=step.channel,
        template=step.template,
        decided_on=on,
        expires_at=worthless_from(on, now, step.expires_after_days),
        strategy=strategy.name,
        strategy_version=strategy.version,
        rule=decision.rule,
        inputs=dict(decision.inputs),
    )


def worthless_from(on: date, now: datetime, days: int) -> datetime:
    """Midnight (UTC) at the end of the last of so many days after the business date.

    So a contact never ends while the day closes, when the decision and the news of its end would race each other. Who
    decides over a day late, catching up, does not ask for what is worthless already.
    """
    begins = max(on, now.astimezone(UTC).date() - timedelta(days=1))
    return datetime.combine(begins + timedelta(days=days + 1), time(), UTC)
