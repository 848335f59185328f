"""What others told contact, as values ready to be kept. One batch of them may be kept in any order."""

from dataclasses import dataclass, field
from datetime import date, datetime

from services.contact.domain.known import Endpoint
from services.contact.domain.request import Request


@dataclass(frozen=True, slots=True)
class Profile:
    """Core banking's word on a customer; the highest revision wins."""

    customer_id: str
    revision: int
    name: str
    language: str
    time_zone: str | None
    region: str | None
    endpoints: tuple[Endpoint, ...]


@dataclass(frozen=True, slots=True)
class Statement:
    """A consent or an opt-out; `endpoint` is "" for the whole channel. The latest wins, an opt-out among equals."""

    customer_id: str
    channel: str
    endpoint: str
    given: bool
    effective_at: datetime

    def outdoes(self, other: "Statement") -> bool:
        """Whether this one holds after both were said."""
        return (self.effective_at, not self.given) > (other.effective_at, not other.given)


@dataclass(frozen=True, slots=True)
class Owed:
    """An account's arrears as of its status version; the highest version wins."""

    account_id: str
    customer_id: str
    version: int
    arrears_minor: int
    currency: str


@dataclass(frozen=True, slots=True)
class Held:
    """A hold placed, or (released) lifted for good."""

    hold_id: str
    customer_id: str
    kind: str
    until_on: date | None = None
    released: bool = False


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """A request no longer wanted."""

    contact_id: str
    reason: str


@dataclass(slots=True)
class Facts:
    """One batch: only the winners of what replaces each other, everything of what does not."""

    profiles: dict[str, Profile] = field(default_factory=dict)
    statements: dict[tuple[str, str, str], Statement] = field(default_factory=dict)
    owed: dict[str, Owed] = field(default_factory=dict)
    holds: dict[str, Held] = field(default_factory=dict)
    settled_promises: list[str] = field(default_factory=list)
    closed_cases: list[str] = field(default_factory=list)
    settled_of: set[str] = field(default_factory=set)
    """The customers whose promises and cases those are."""
    requests: dict[str, Request] = field(default_factory=dict)
    withdrawals: list[Withdrawal] = field(default_factory=list)

    def learn_profile(self, profile: Profile) -> None:
        """Keep it if it is the newest of the batch."""
        known = self.profiles.get(profile.customer_id)
        if known is None or profile.revision > known.revision:
            self.profiles[profile.customer_id] = profile

    def learn_statement(self, said: Statement) -> None:
        """Keep it if it is the last word of the batch."""
        key = (said.customer_id, said.channel, said.endpoint)
        known = self.statements.get(key)
        if known is None or said.outdoes(known):
            self.statements[key] = said

    def learn_hold(self, held: Held) -> None:
        """A release outlasts its placing."""
        known = self.holds.get(held.hold_id)
        if known is None or held.released:
            self.holds[held.hold_id] = held
