"""Builders for strategy's tests: accounts, facts, and a small strategy whose steps are easy to reason about."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

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
)
from services.strategy.domain.raised import Raised
from services.strategy.domain.react import react
from services.strategy.domain.settle import end_day
from services.strategy.domain.strategy import (
    After,
    Assignment,
    Conditions,
    Decide,
    Floor,
    Step,
    Strategy,
    StrategyBook,
)

MONDAY = date(2026, 3, 2)


def day(number: int) -> date:
    """The n-th day of the tests' calendar; 0 is a Monday."""
    return MONDAY + timedelta(days=number)


def now(on: date) -> datetime:
    """The evening of a day."""
    return datetime.combine(on, time(21, 30), UTC)


SMS = Step(
    "sms", "From 3 days past due, once.", "sms", "reminder", Conditions(days_past_due_from=3, days_past_due_to=29)
)
EMAIL = Step("email", "Five days after the SMS.", "email", "notice", Conditions(after=(After("sms", 5),)))
CALL = Step(
    "call", "From 20 days past due, weekly.", "call", "call", Conditions(days_past_due_from=20), times=2, every_days=7
)


def strategy(*steps: Step, decide: Decide = "at_day_end", **more: Any) -> Strategy:
    """A strategy with a floor of 20 and two days between contacts."""
    settings: dict[str, Any] = {"arrears_floor": Floor(20), "days_between_contacts": 2} | more
    return Strategy(f"test-{decide}", 1, decide, steps or (SMS, EMAIL, CALL), **settings)


def book(*strategies: Strategy) -> StrategyBook:
    """A book whose first strategy takes every case."""
    chosen = strategies or (strategy(),)
    return StrategyBook({one.name: one for one in chosen}, (Assignment(chosen[0].name),))


def status(
    version: int,
    on: date,
    *,
    arrears: int = 10_000,
    dpd: int = 1,
    account_id: str = "a-1",
    product: str = "loan",
    currency: str = "EUR",
    delinquent: bool | None = None,
    through: str | None = None,
    state: str = "open",
    bucket: str | None = None,
) -> Account:
    """One status of an account; delinquent when it has arrears, in the default bucket of its DPD."""
    owes = arrears > 0 if delinquent is None else delinquent
    return Account(
        account_id=account_id,
        customer_id="c-1",
        version=version,
        as_of=on,
        product=product,
        delinquent=owes,
        days_past_due=dpd if owes else 0,
        bucket=bucket or (bucket_of(dpd) if owes else "current"),
        arrears_minor=arrears,
        currency=currency,
        state=state,
        through=through,
    )


def bucket_of(dpd: int) -> str:
    """The default bucket of so many days."""
    for first, last in ((1, 29), (30, 59), (60, 89), (90, 119), (120, 149), (150, 179)):
        if first <= dpd <= last:
            return f"{first}-{last}"
    return "180+" if dpd else "current"


def owes(version: int, on: date, **more: Any) -> StatusChanged:
    """The account is delinquent."""
    return StatusChanged(status(version, on, **more))


def cured(version: int, on: date, *, through: str = "repayment", **more: Any) -> StatusChanged:
    """The account is not delinquent any more."""
    return StatusChanged(status(version, on, arrears=0, through=through, **more))


def repaid(version: int, on: date, amount: int, *, key: str = "r-1", left: int = 5_000, **more: Any) -> RepaymentMoved:
    """Money in or out, effective on the day, leaving so much in arrears."""
    return RepaymentMoved(status(version, on, arrears=left, **more), key, amount, on)


def promised(on: date, due: date, amount: int = 10_000, *, key: str = "p-1") -> PromiseGiven:
    """A promise of the customer."""
    return PromiseGiven(key, None, amount, "EUR", on, due)


def contacted(contact_id: str, on: date, state: Any = "attempted", outcome: str | None = "sent") -> ContactBecame:
    """News of a contact."""
    return ContactBecame(contact_id, state, outcome, on)


def dispute(on: date, *, key: str = "d-1", until: date | None = None) -> HoldWanted:
    """The customer says that the debt is wrong."""
    return HoldWanted("dispute", on, key, until)


def lifted(on: date, *, key: str = "d-1") -> HoldLifted:
    """The dispute is settled."""
    return HoldLifted(key, on)


class Story:
    """One customer over some days: facts in, raised events out."""

    def __init__(self, strategies: StrategyBook | None = None) -> None:
        self.customer = Customer("c-1")
        self.book = strategies or book()
        self.raised: list[Raised] = []

    def learn(self, *facts: Fact) -> list[Raised]:
        """Take facts one by one; what they raised."""
        return self._note(event for fact in facts for event in react(self.customer, fact, now(MONDAY), self.book))

    def end(self, on: date) -> list[Raised]:
        """End a business day if there is something to decide; what it raised."""
        due = self.customer.next_decision_on
        if due is None or due > on:
            return []
        return self._note(end_day(self.customer, on, now(on), self.book))

    def end_days(self, first: int, last: int) -> list[Raised]:
        """End some days one after the other."""
        return [event for number in range(first, last + 1) for event in self.end(day(number))]

    def kinds(self) -> list[str]:
        """The kinds of everything raised so far."""
        return [type(event).__name__ for event in self.raised]

    def _note(self, events: Iterable[Raised]) -> list[Raised]:
        found = list(events)
        self.raised += found
        return found


def steps(raised: Iterable[Raised]) -> list[tuple[str, date]]:
    """Which steps were taken on which days."""
    return [(e.treatment.step, e.treatment.decided_on) for e in raised if type(e).__name__ == "Treated"]  # type: ignore[union-attr]  # the line says which
