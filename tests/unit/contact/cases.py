"""Builders for the gate's tests: a customer who may be contacted, and small departures from that."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta

from services.contact.domain.hours import Hours, Span
from services.contact.domain.known import Balance, Customer, Endpoint, PastAttempt
from services.contact.domain.request import OwedAccount, Request
from services.contact.domain.rules import BalanceOwed, Case, Expiry, HasEndpoint, NoHold, NoOpenPromise, OptOut, Rule
from services.contact.domain.timing import Frequency, Window
from services.contact.domain.zones import plausible_zones

ALL = frozenset({"sms", "email", "call"})
DAYTIME = Span(time(8), time(21))
WORKDAYS = Hours(dict.fromkeys(range(6), DAYTIME))
TUESDAY_NOON = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)

CUSTOMER = Customer(
    "c-1", revision=1, name="Ada Example", language="en", time_zone="Europe/Berlin",
    endpoints=(Endpoint("mobile", "+4915100000001"), Endpoint("email", "ada@example.org")),
    balances={"a-1": Balance(3, 12_050, "EUR")},
)  # fmt: skip
REQUEST = Request(
    "k-1", "c-1", "case-1", "sms", "reminder", "collection", (OwedAccount("a-1"),),
    TUESDAY_NOON, TUESDAY_NOON + timedelta(days=5),
)  # fmt: skip


def case(customer: Customer = CUSTOMER, request: Request = REQUEST) -> Case:
    """A case with the zones the customer's data imply."""
    return Case(request, customer, plausible_zones(customer, {"US-FL": ("America/New_York", "America/Chicago")}))


def rules(hours: Hours = WORKDAYS, per_day: int = 1, per_week: int = 3) -> Sequence[Rule]:
    """A full set of rules."""
    return (
        Expiry("expiry"), HasEndpoint("endpoint"), OptOut("optout"), NoHold("hold"), NoOpenPromise("promise"),
        BalanceOwed("balance"), Window("hours", ALL, hours), Frequency("daily", ALL, per_day, 1),
        Frequency("weekly", ALL, per_week, 7),
    )  # fmt: skip


def attempted(*instants: datetime, channel: str = "sms") -> Customer:
    """The customer after attempts at these instants."""
    return replace(CUSTOMER, attempts=tuple(PastAttempt(channel, at, "sent") for at in instants))
