"""The kinds of rule a pack is made of. Each judges one case at one instant and shows the inputs it saw.

A pack chooses and parameterises them as data; adding a kind is adding a class here and a reader beside it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Protocol
from zoneinfo import ZoneInfo

from services.contact.domain.known import KINDS_OF, Balance, Customer, usable_endpoints, withdrawn
from services.contact.domain.request import OwedAccount, Request
from services.contact.domain.verdict import Input, Says, Verdict


@dataclass(frozen=True, slots=True)
class Case:
    """What the rules judge: a request, what is known of its customer, and the zones the customer may be in."""

    request: Request
    customer: Customer
    zones: tuple[ZoneInfo, ...]

    def local_dates(self, instant: datetime) -> tuple[date, ...]:
        """The calendar dates it may be for the customer; UTC's where no zone is known."""
        return tuple({instant.astimezone(zone).date() for zone in self.zones or (UTC,)})


class Rule(Protocol):
    """One rule of a pack."""

    @property
    def id(self) -> str:
        """The rule's name in its pack, as the archive shows it."""

    def judge(self, case: Case, at: datetime) -> Verdict:
        """The answer for this case at this instant. Whatever it raises, the gate takes for a no."""


@dataclass(frozen=True, slots=True)
class Expiry:
    """A request is worthless at and after its expiry."""

    id: str

    def judge(self, case: Case, at: datetime) -> Verdict:
        """No from the expiry on."""
        expires_at = case.request.expires_at
        inputs = {"expires_at": expires_at.isoformat()}
        if at >= expires_at:
            return Verdict(self.id, Says.NO, "expired", inputs)
        return Verdict(self.id, Says.YES, "", inputs)


@dataclass(frozen=True, slots=True)
class BalanceOwed:
    """Something must be owed now on the accounts of the request; who has paid is left alone."""

    id: str

    def judge(self, case: Case, at: datetime) -> Verdict:
        """No when nothing is owed any more; awaits statuses that the request's maker had and we have not."""
        balances = case.customer.balances
        behind = [owed for owed in case.request.accounts if not _caught_up(owed, balances)]
        arrears = [balances[owed.account_id] for owed in case.request.accounts if owed.account_id in balances]
        owing = sum(1 for balance in arrears if balance.arrears_minor > 0)
        inputs: dict[str, Input] = {
            "accounts": len(case.request.accounts), "accounts_owing": owing, "accounts_behind": len(behind)
        }  # fmt: skip
        if behind:
            return Verdict(self.id, Says.AWAIT, "balance_not_known_yet", inputs)
        if owing == 0:
            return Verdict(self.id, Says.NO, "nothing_owed", inputs)
        return Verdict(self.id, Says.YES, "", inputs)


def _caught_up(owed: OwedAccount, balances: Mapping[str, Balance]) -> bool:
    known = balances.get(owed.account_id)
    return known is not None and (owed.version is None or known.version >= owed.version)


@dataclass(frozen=True, slots=True)
class HasEndpoint:
    """There is a number or address for the channel."""

    id: str

    def judge(self, case: Case, at: datetime) -> Verdict:
        """No without a contact point; awaits a customer of whom nothing is known yet."""
        kinds = KINDS_OF[case.request.channel]
        found = sum(1 for endpoint in case.customer.endpoints if endpoint.kind in kinds)
        inputs: dict[str, Input] = {"revision": case.customer.revision, "contact_points": found}
        if case.customer.revision is None:
            return Verdict(self.id, Says.AWAIT, "customer_not_known_yet", inputs)
        if found == 0:
            return Verdict(self.id, Says.NO, "no_contact_point", inputs)
        return Verdict(self.id, Says.YES, "", inputs)


@dataclass(frozen=True, slots=True)
class OptOut:
    """The customer has not withdrawn from the channel nor from every endpoint of it (12 CFR 1006.14(h)(1))."""

    id: str
    allow_purposes: frozenset[str] = frozenset()
    consent_required: bool = False
    """Some jurisdictions want an express consent for the channel, not just the absence of an opt-out."""

    def judge(self, case: Case, at: datetime) -> Verdict:
        """No after an opt-out, unless the purpose is one the opt-out still allows."""
        customer, channel = case.customer, case.request.channel
        out = withdrawn(customer, channel, None)
        usable = len(usable_endpoints(customer, channel))
        given = any(c.given for c in customer.consents if c.channel == channel and c.endpoint is None)
        inputs: dict[str, Input] = {
            "purpose": case.request.purpose, "channel_withdrawn": out,
            "endpoints_usable": usable, "consent_given": given,
        }  # fmt: skip
        if case.request.purpose in self.allow_purposes or customer.revision is None:
            return Verdict(self.id, Says.YES, "", inputs)
        if out:
            return Verdict(self.id, Says.NO, "opted_out_of_channel", inputs)
        if usable == 0:
            return Verdict(self.id, Says.NO, "opted_out_of_endpoint", inputs)
        if self.consent_required and not given:
            return Verdict(self.id, Says.NO, "no_consent", inputs)
        return Verdict(self.id, Says.YES, "", inputs)


@dataclass(frozen=True, slots=True)
class NoHold:
    """No hold stands on the customer's case, apart from purposes that holds allow (12 CFR 1006.6(c)(2))."""

    id: str
    allow_purposes: frozenset[str] = frozenset()

    def judge(self, case: Case, at: datetime) -> Verdict:
        """No while a hold stands; a hold until a date stops through that date in every plausible zone."""
        days = case.local_dates(at)
        standing = sorted({h.kind for h in case.customer.holds if h.until_on is None or min(days) <= h.until_on})
        inputs: dict[str, Input] = {"holds": ",".join(standing), "purpose": case.request.purpose}
        if standing and case.request.purpose not in self.allow_purposes:
            return Verdict(self.id, Says.NO, "hold", inputs)
        return Verdict(self.id, Says.YES, "", inputs)


@dataclass(frozen=True, slots=True)
class NoOpenPromise:
    """Who has promised is left alone until the promise is kept or broken."""

    id: str
    allow_purposes: frozenset[str] = frozenset()

    def judge(self, case: Case, at: datetime) -> Verdict:
        """No while a promise is open."""
        inputs: dict[str, Input] = {
            "open_promises": len(case.customer.promises), "purpose": case.request.purpose
        }  # fmt: skip
        if case.customer.promises and case.request.purpose not in self.allow_purposes:
            return Verdict(self.id, Says.NO, "promise_open", inputs)
        return Verdict(self.id, Says.YES, "", inputs)
