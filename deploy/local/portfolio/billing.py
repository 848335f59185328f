"""One account's billing day: its bill, its balance, and what is planned to come of them."""

from collections.abc import Callable, Iterator
from datetime import date, timedelta
from random import Random
from typing import Final

from deploy.local.portfolio.accounts import SLOTS, Account
from deploy.local.portfolio.actions import Action, Bill, corrections, payable, repayments
from deploy.local.portfolio.behaviour import Intent, Way, intent, recovers, sunk
from deploy.local.portfolio.book import Book
from deploy.local.portfolio.chance import Draws, draws, happens, within
from deploy.local.portfolio.days import business_day
from deploy.local.portfolio.writer import Record, Writer

TERMS: Final = {"loan": 14, "card": 21}
"""Days from a bill's issue to its due date."""
QUARTER: Final = 3
"""Months between two reports of a loan's outstanding principal; a card's balance stands on each statement."""
HOPELESS: Final = 7
"""Open bills after which most accounts are written off."""
FAIR: Final = (Way.ON_TIME, Way.DOUBLE, Way.RETURNED, Way.CHARGED_BACK)
"""Ways in which the bill is paid by its due date, whatever happens to the money later."""


def bill_of(a: Account, month: int, issued_on: date) -> Bill:
    """The bill of that month, due on a business day."""
    due_on = business_day(issued_on + timedelta(days=TERMS[a.kind]))
    bill_id = f"B{a.slot:07d}-{issued_on.year * 100 + issued_on.month}"
    return Bill(bill_id, a.bill_minor(month), issued_on, due_on)


class Billing:
    """Issues bills and plans what follows."""

    def __init__(
        self,
        seed: int,
        book: Book,
        writer: Writer,
        plan: Callable[[Action], None],
        hold: Callable[[date, Record], bool],
    ) -> None:
        self._seed = seed
        self._book = book
        self._writer = writer
        self._plan = plan
        self._hold = hold

    def month_of(self, a: Account, month: int, issued_on: date, rng: Random) -> Iterator[Record]:
        """The records of the account's billing day in that month of the history."""
        if month < a.opens_month:
            return
        if month == a.opens_month:
            yield from self._opens(a, issued_on, rng)
            return
        d = draws(self._seed, "month", a.slot, month)
        bill = bill_of(a, month, issued_on)
        minor = payable(bill, d)
        for action in corrections(a, bill, minor):
            self._plan(action)
        if minor:
            self._plan_repayments(a, bill, minor, month, d)
        self._plan_turns(a, month, issued_on, d)
        yield self._writer.bill(a, bill.id, bill.minor, issued_on, bill.due_on)
        if a.kind == "card" or month % QUARTER == QUARTER - 1:
            yield self._writer.balance(a, a.exposure_minor(month) + self._book.owed(a.slot, bill.due_on), issued_on)
        if a.slot % SLOTS == 0 and happens(d[10], 0.0015):
            yield self._writer.consent(a.customer, "sms" if d[11] % 2 else "email", given=False)

    def _opens(self, a: Account, on: date, rng: Random) -> Iterator[Record]:
        """A new account; of some, the first balance is known before the account itself."""
        opened = self._writer.opened(a, on)
        if rng.random() > 0.2 or not self._hold(business_day(on + timedelta(days=3)), opened):
            yield opened
        yield self._writer.balance(a, a.exposure_minor(a.opens_month), on)

    def _plan_repayments(self, a: Account, bill: Bill, minor: int, month: int, d: Draws) -> None:
        way = intent(a, month, bill.due_on.month, d)
        behind = a.slot in self._book
        if behind and way.way in FAIR:
            way = Intent(Way.ON_TIME)
        if behind or way.way not in FAIR:
            self._book.owe(a.slot, bill.due_on, minor)
        if sunk(a, month):
            return
        for action in repayments(a, bill, minor, way, behind, d):
            self._plan(action)

    def _plan_turns(self, a: Account, month: int, on: date, d: Draws) -> None:
        """What else may happen to an account at this point of its life."""
        behind, soon = self._book.behind(a.slot), on + timedelta(days=within(d[12], 1, 9))
        if behind == 0:
            if happens(d[13], 0.003):
                self._plan(Action(on + timedelta(days=TERMS[a.kind] + 10), a.slot, "close"))
        elif recovers(a, month) or (behind > 1 and not sunk(a, month) and happens(d[11], 0.5)):
            self._plan(Action(soon, a.slot, "settle"))
        elif behind >= HOPELESS:
            self._plan(Action(soon, a.slot, "write off"))
        elif behind >= 2 and happens(d[13], 0.06):
            self._plan(Action(soon, a.slot, "reage", f"G{a.slot:07d}-{month}", days=4 if d[14] % 6 == 0 else 0))
        elif behind >= 2 and happens(d[13], 0.11):
            days = within(d[14], 20, 45)
            self._plan(Action(soon, a.slot, "pause", f"S{a.slot:07d}-{month}", minor=d[15] % 2, days=days))
