"""A crowd of customers with a loan each, and the facts that core banking publishes about them.

Each crowd has a product and a currency of its own, so that the report can be asked about it alone.
"""

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from shared.contracts import banking
from shared.contracts.envelope import encode
from shared.contracts.fields import Amount, Contract
from shared.contracts.topics import TOPIC_OF
from tests.e2e.doors import Doors, Message

MONDAY: Final = date(2026, 3, 2)
MORNING: Final = time(9, 30, tzinfo=UTC)
EVENING: Final = time(21, 30, tzinfo=UTC)
BILL_MINOR: Final = 12_050
EXPOSURE_MINOR: Final = 480_000
CURRENCIES: Final = "EUR USD GBP CHF SEK NOK DKK PLN CZK RON CAD AUD NZD".split()

_numbers = itertools.count(1)


def record(data: Contract, key: str | None, at: datetime, event_id: str | None = None) -> Message:
    """One of core banking's events as a record; without an id, one never used before."""
    value = encode(data, event_id=event_id or f"core-{next(_numbers)}", source="core-banking", subject=key, time=at)
    return Message(TOPIC_OF[type(data)].name, None if key is None else key.encode(), value)


@dataclass(frozen=True)
class Crowd:
    """So many customers, whose bill falls due on `due_on`; the bill stays unpaid until `repayments`."""

    name: str
    size: int
    due_on: date
    currency: str = "EUR"

    @property
    def product(self) -> str:
        return f"loan-{self.name}"

    @property
    def customers(self) -> list[str]:
        return [f"C-{self.name}-{n}" for n in range(self.size)]

    @property
    def accounts(self) -> list[str]:
        return [f"A-{self.name}-{n}" for n in range(self.size)]

    @property
    def numbers(self) -> list[str]:
        """Mobile numbers of the crowd's own; the local gateway lets those ending in 99 fail, so none does."""
        return [f"+336{CURRENCIES.index(self.currency):02d}{n:05d}0" for n in range(self.size)]

    def opening(self) -> list[Message]:
        """Customers, accounts, balances and the bill, as of the due date's morning."""
        return [message for n in range(self.size) for message in self._one(n)]

    def repayments(self, on: date) -> list[Message]:
        """Everybody pays the bill in full."""
        at = datetime.combine(on, MORNING)
        return [
            record(
                banking.RepaymentReceived(
                    account_id=account,
                    repayment_id=f"R-{account}",
                    amount=Amount.of(BILL_MINOR, self.currency),
                    effective_on=on,
                    channel="transfer",
                ),
                account,
                at,
            )
            for account in self.accounts
        ]

    def _one(self, n: int) -> Iterator[Message]:
        customer, account, at = self.customers[n], self.accounts[n], datetime.combine(self.due_on, MORNING)
        mobile = banking.ContactPoint(kind="mobile", value=self.numbers[n])
        yield record(
            banking.CustomerUpdated(
                customer_id=customer,
                revision=1,
                name=f"Customer {n}",
                language="en",
                time_zone="Europe/Paris",
                region="FR",
                contact_points=(mobile,),
            ),
            customer,
            at,
        )
        opened = self.due_on - timedelta(days=31)
        yield record(
            banking.AccountOpened(
                account_id=account,
                customer_id=customer,
                product=self.product,
                currency=self.currency,
                policy="instalment",
                opened_on=opened,
                principal=Amount.of(500_000, self.currency),
                region="FR",
            ),
            account,
            at,
        )
        yield record(
            banking.BalanceReported(
                account_id=account,
                balance_id=f"B-{account}",
                exposure=Amount.of(EXPOSURE_MINOR, self.currency),
                effective_on=opened,
            ),
            account,
            at,
        )
        yield record(self.bill(n), account, at)

    def bill(self, n: int) -> banking.BillIssued:
        """The n-th customer's bill."""
        return banking.BillIssued(
            account_id=self.accounts[n],
            bill_id=f"BILL-{self.accounts[n]}",
            kind="instalment",
            amount=Amount.of(BILL_MINOR, self.currency),
            issued_on=self.due_on - timedelta(days=14),
            due_on=self.due_on,
        )


class Calendar:
    """The simulated days of one system, one after the other; a week for each story."""

    def __init__(self, doors: Doors, monday: date = MONDAY) -> None:
        self._doors = doors
        self._monday = monday - timedelta(days=7)

    def next_week(self) -> list[date]:
        """Monday to Friday of a week that no story has used."""
        self._monday += timedelta(days=7)
        return [self._monday + timedelta(days=n) for n in range(5)]

    async def morning(self, day: date) -> None:
        """Half past nine: people may be contacted."""
        at = datetime.combine(day, MORNING)
        await self._doors.publish([record(banking.ClockAdvanced(now=at), None, at)])

    async def close(self, day: date, times: int = 1) -> None:
        """Core banking has booked the day."""
        closed = banking.BusinessDayClosed(business_date=day)
        message = record(closed, None, datetime.combine(day, EVENING), f"day-{day}")
        await self._doors.publish([message] * times)


def twice(messages: Sequence[Message]) -> list[Message]:
    """Each message twice in a row."""
    return [message for one in messages for message in (one, one)]


def backwards(messages: Iterable[Message]) -> list[Message]:
    """The last one first."""
    return list(messages)[::-1]
