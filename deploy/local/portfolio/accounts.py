"""Accounts, each a pure function of the seed and a slot: a customer has three slots and uses some."""

from collections.abc import Iterator
from datetime import date
from functools import lru_cache
from typing import Final, Literal, NamedTuple

from deploy.local.portfolio.chance import Draws, draws, happens, within
from deploy.local.portfolio.days import BILLING_DAYS, day_of_month
from deploy.local.portfolio.people import Customer, customer

SLOTS: Final = 3
CARDS: Final = 0.45
NEW: Final = 0.12
"""Share of accounts that are opened during the first year instead of before it."""
RATE: Final = {"EUR": 1, "PLN": 4}
"""How many units of a currency go where one euro would."""


class Account(NamedTuple):
    """One credit agreement. `opens_month` counts from the first month of the history; negative is before it."""

    slot: int
    id: str
    key: bytes
    customer: Customer
    kind: Literal["loan", "card"]
    currency: str
    billing_day: int
    opens_month: int
    credit_minor: int
    """Principal of a loan, limit of a card."""
    instalment_minor: int
    used: Draws
    """How much of a card's limit is used, month by month."""
    fate: Draws
    """The customer's: the same for all accounts of one person."""

    @property
    def product(self) -> str:
        """Product name as core banking has it."""
        return "personal-loan" if self.kind == "loan" else "credit-card"

    @property
    def policy(self) -> str:
        """The policy pack it ages by."""
        return "instalment" if self.kind == "loan" else "card-minimum-payment"

    def opened_on(self, first: date) -> date:
        """Opening date in a history that starts on `first`."""
        return day_of_month(first, self.opens_month, self.billing_day)

    def exposure_minor(self, month: int) -> int:
        """What the whole debt comes to at the bill of that month."""
        if self.kind == "loan":
            paid = max(0, month - self.opens_month) % 48
            return max(self.credit_minor - paid * self.instalment_minor * 9 // 10, self.instalment_minor)
        drawn = within(self.used[month % 16], 20, 80)
        return max(self.credit_minor * drawn // 100, 50_00)

    def bill_minor(self, month: int) -> int:
        """What falls due for that month: the instalment, or the card's minimum of 3 % and at least 25."""
        if self.kind == "loan":
            return self.instalment_minor
        return max(25_00 * RATE[self.currency], self.exposure_minor(month) * 3 // 100)


@lru_cache(maxsize=131_072)
def account(seed: int, slot: int) -> Account | None:
    """The account in that slot; None where the customer has fewer."""
    owner = customer(seed, slot // SLOTS)
    if slot % SLOTS >= owner.accounts:
        return None
    d = draws(seed, "account", slot)
    kind: Literal["loan", "card"] = "card" if happens(d[0], CARDS) else "loan"
    rate = RATE[owner.place.currency]
    credit = within(d[1], 20, 150) * (100_00 if kind == "loan" else 50_00) * rate
    return Account(
        slot=slot,
        id=f"A{slot:07d}",
        key=b"A%07d" % slot,
        customer=owner,
        kind=kind,
        currency=owner.place.currency,
        billing_day=slot % BILLING_DAYS + 1,
        opens_month=within(d[3], 0, 11) if happens(d[2], NEW) else -within(d[3], 4, 40),
        credit_minor=credit,
        instalment_minor=credit // 40 // 100 * 100,
        used=draws(seed, "used", slot),
        fate=draws(seed, "fate", owner.number),
    )


def accounts_of(seed: int, owner: Customer) -> Iterator[Account]:
    """All accounts of a customer."""
    for slot in range(owner.number * SLOTS, owner.number * SLOTS + owner.accounts):
        found = account(seed, slot)
        assert found is not None
        yield found


def billed_on(seed: int, customers: int, billing_day: int) -> Iterator[Account]:
    """All accounts billed on that day of the month."""
    for slot in range(billing_day - 1, customers * SLOTS, BILLING_DAYS):
        found = account(seed, slot)
        if found is not None:
            yield found
