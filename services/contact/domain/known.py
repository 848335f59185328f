"""What contact knows of a customer at one moment: the facts the gate judges, as plain values."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from types import MappingProxyType
from typing import Final, Literal

Channel = Literal["sms", "email", "call", "letter"]
EndpointKind = Literal["mobile", "landline", "email", "postal"]

KINDS_OF: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {"sms": ("mobile",), "call": ("mobile", "landline"), "email": ("email",), "letter": ("postal",)}
)
"""Which kinds of contact point a channel can use."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One number or address."""

    kind: str
    value: str


@dataclass(frozen=True, slots=True)
class Consent:
    """The last statement for a channel, or for one endpoint of it where `endpoint` is given."""

    channel: str
    endpoint: str | None
    given: bool
    effective_at: datetime


@dataclass(frozen=True, slots=True)
class Hold:
    """A reason not to treat; it stops through `until_on`, or until released when that is None."""

    kind: str
    until_on: date | None = None


@dataclass(frozen=True, slots=True)
class OpenPromise:
    """A promise neither kept nor broken yet."""

    promise_id: str
    due_on: date


@dataclass(frozen=True, slots=True)
class Balance:
    """The arrears of one account as of its status `version`."""

    version: int
    arrears_minor: int
    currency: str


@dataclass(frozen=True, slots=True)
class PastAttempt:
    """One earlier attempt that reached, or may have reached, a provider or a telephone."""

    channel: str
    at: datetime
    outcome: str


@dataclass(frozen=True, slots=True)
class Customer:
    """Everything known of one customer; `revision` is None while core banking has said nothing of them."""

    customer_id: str
    revision: int | None
    name: str = ""
    language: str = ""
    time_zone: str | None = None
    region: str | None = None
    endpoints: tuple[Endpoint, ...] = ()
    consents: tuple[Consent, ...] = ()
    holds: tuple[Hold, ...] = ()
    promises: tuple[OpenPromise, ...] = ()
    balances: Mapping[str, Balance] = field(default_factory=dict)
    attempts: tuple[PastAttempt, ...] = ()


def normal_endpoint(value: str) -> str:
    """The form in which endpoints are compared: an opt-out for "+49 30 1234" is one for "+49301234"."""
    compact = "".join(value.split()).casefold()
    return compact if "@" in compact else compact.translate(_NUMBER_PUNCTUATION)


_NUMBER_PUNCTUATION: Final = {ord(mark): None for mark in "-()./"}


def withdrawn(customer: Customer, channel: str, endpoint: str | None) -> bool:
    """Whether the last statement for exactly that channel, or that endpoint of it, was an opt-out."""
    return any(
        not consent.given
        for consent in customer.consents
        if consent.channel == channel and consent.endpoint == endpoint
    )


def usable_endpoints(customer: Customer, channel: str) -> tuple[Endpoint, ...]:
    """The endpoints of a channel that are not opted out of, in the order core banking lists them.

    A later consent for the whole channel does not undo an opt-out of one endpoint, nor the other way round: the
    most restrictive statement holds until it is taken back itself.
    """
    return tuple(
        endpoint
        for endpoint in customer.endpoints
        if endpoint.kind in KINDS_OF[channel] and not withdrawn(customer, channel, normal_endpoint(endpoint.value))
    )


def best_endpoint(customer: Customer, channel: str) -> Endpoint | None:
    """The endpoint to use: the first not opted out of, else (for purposes an opt-out allows) the first there is."""
    usable = usable_endpoints(customer, channel)
    return next(iter(usable), None) or next(
        (endpoint for endpoint in customer.endpoints if endpoint.kind in KINDS_OF[channel]), None
    )
