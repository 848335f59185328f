"""The lender's days: bills go out, debtors act, and what happened comes out as records, business day by business day.

Whoever drives it may plan further actions between two days (what debtors do after a contact). A day's actions are
carried out in one order, so it does not matter in which order they were planned.
"""

from collections.abc import Iterator
from datetime import date, timedelta
from random import Random
from typing import Final, NamedTuple

from deploy.local.portfolio.accounts import Account, account, billed_on
from deploy.local.portfolio.actions import Action
from deploy.local.portfolio.billing import Billing
from deploy.local.portfolio.book import Book
from deploy.local.portfolio.conduct import Conduct
from deploy.local.portfolio.days import BILLING_DAYS, business_day, business_days, last_day, month_number
from deploy.local.portfolio.noise import Noise
from deploy.local.portfolio.opening import backlog, opening
from deploy.local.portfolio.people import ACCOUNTS_MEAN
from deploy.local.portfolio.writer import Record, Writer

SLICE: Final = 20_000
"""Records handed out at once, so that a portfolio of any size needs little memory."""


class Slice(NamedTuple):
    """Records of one business day; `last` when the day may be closed after them."""

    day: date
    records: list[Record]
    last: bool


class Lender:
    """One history of a portfolio: `customers` people over whole `months` from the first of `start`'s month."""

    def __init__(self, *, seed: int, customers: int, months: int, start: date) -> None:
        self.seed, self.customers = seed, customers
        self.first = start.replace(day=1)
        self.end = last_day(self.first, months)
        self.book = Book()
        self.writer = Writer()
        self.noise = Noise(seed, customers, self.end)
        self._planned: dict[date, list[Action]] = {}
        self._done = self.first - timedelta(days=1)
        self._conduct = Conduct(self.book, self.writer, self.plan, self.noise.hold)
        self._billing = Billing(seed, self.book, self.writer, self.plan, self.noise.hold)

    @property
    def business_days(self) -> list[date]:
        """The days of the history."""
        return list(business_days(self.first, self.end))

    def days(self) -> Iterator[Slice]:
        """The history, slice after slice; lazily, so that what is planned between two days counts."""
        for day in self.business_days:
            rng = Random(f"{self.seed}/{day}")
            self.writer.begin(day)
            batch: list[Record] = []
            for record in self._facts(day, rng):
                batch.append(record)
                if len(batch) == SLICE:
                    yield Slice(day, self.noise.disturbed(day, batch, rng), False)
                    batch = []
            records = self.noise.disturbed(day, batch, rng)
            yield Slice(day, records + self.noise.due(day, self.writer, rng), True)

    def plan(self, action: Action) -> None:
        """Have an action carried out on its day, or on the next business day to come."""
        on = max(action.on, self._done + timedelta(days=1))
        day = business_day(on)
        if day <= self.end:
            self._planned.setdefault(day, []).append(action._replace(on=on))

    def share_behind(self, day: date) -> float:
        """Roughly how many of the accounts owe something that fell due before that day: the lender's own book."""
        return self.book.late(day) / (self.customers * ACCOUNTS_MEAN)

    def account(self, slot: int) -> Account:
        """The account in a slot that is known to be used."""
        found = account(self.seed, slot)
        assert found is not None
        return found

    def _facts(self, day: date, rng: Random) -> Iterator[Record]:
        if self._done < self.first:
            yield from opening(self.seed, self.customers, self.first, self.writer)
            yield from backlog(self.seed, self.customers, self.first, self.writer, self.book)
        since, self._done = self._done, day
        for ahead in range((day - since).days):
            yield from self._bills(since + timedelta(days=ahead + 1), rng)
        for action in sorted(self._planned.pop(day, ())):
            yield from self._conduct.perform(action, self.account(action.slot), rng)

    def _bills(self, issued_on: date, rng: Random) -> Iterator[Record]:
        """What goes out on a calendar day, weekends included: booked on the business day after."""
        if issued_on.day > BILLING_DAYS:
            return
        month = month_number(self.first, issued_on)
        for a in billed_on(self.seed, self.customers, issued_on.day):
            if a.slot not in self._conduct.ended:
                yield from self._billing.month_of(a, month, issued_on, rng)
