"""What was believed of one account at an instant: the facts taken in by then and the packs that governed it then.

From these the domain answers for any day; the answer for a published status's instant and day is that status, since
the ledger was folded from nothing else. Statuses told at one instant are one belief: the last of them.
"""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from services.ingest import store, translate
from services.ingest.domain.facts import Fact, Opened
from services.ingest.domain.policy import Policy, Rules
from services.ingest.policies import Policies
from services.ingest.tables import FactRow
from shared.vocabulary.errors import Rejected
from shared.vocabulary.money import decimal_text


@dataclass(frozen=True)
class Question:
    """`known_at`: by default now. `as_of`: by default the last day the account is aged to, and none after `known_at`.

    `policy`: another ageing pack to assess by, as NAME (its version in force) or NAME@VERSION.
    """

    account_id: str
    as_of: date | None = None
    known_at: datetime | None = None
    policy: str | None = None


@dataclass(frozen=True)
class Belief:
    """Everything an assessment takes, for one account."""

    opened: Opened
    facts: list[Fact]
    rules: Rules
    version: int
    """The last status published by then."""
    as_of: date

    def shown(self, row: Any) -> dict[str, Any]:
        """A ledger row with its `..._minor` fields as decimal strings."""
        fields = {name: getattr(row, name) for name in row.__slots__}
        return {name.removesuffix("_minor"): self._text(name, value) for name, value in fields.items()}

    def _text(self, name: str, value: Any) -> Any:
        if name.endswith("_minor"):
            return decimal_text(value, self.opened.currency)
        if name == "allocations":
            return [{"to": other, "amount": decimal_text(minor, self.opened.currency)} for other, minor in value]
        return value


async def believed(connection: AsyncConnection, policies: Policies, asked: Question) -> Belief:
    """The belief that answers a question; Rejected where nothing was known of the account."""
    row = await store.one(connection, asked.account_id)
    if row is None:
        raise Rejected("account_not_found", "no fact of this account has arrived")
    known_at = asked.known_at
    if known_at is None:
        rows, version = await store.known(connection, asked.account_id), row["version"]
    else:
        rows = await store.known(connection, asked.account_id, known_at)
        version = await store.version_at(connection, asked.account_id, known_at)
    opened = _opened(rows)
    facts = [translate.stored(r)[0] for r in rows if r.currency in (None, opened.currency)]
    rules = await _rules(connection, policies, opened, row["packs"], asked)
    return Belief(opened, facts, rules, version, asked.as_of or _last_day(row, known_at))


def _opened(rows: list[FactRow]) -> Opened:
    opened = next((fact for fact, _ in map(translate.stored, rows) if isinstance(fact, Opened)), None)
    if opened is None:
        raise Rejected("account_not_found", f"{len(rows)} facts of this account waited for its AccountOpened")
    return opened


async def _rules(connection: AsyncConnection, policies: Policies, opened: Opened, packs: str, asked: Question) -> Rules:
    if asked.known_at is None:
        rules = (await policies.in_force(connection)).rules(opened.policy, opened.classifications)
    else:
        then = await store.packs_at(connection, asked.account_id, asked.known_at)
        rules = await policies.rules(connection, then or packs)
    if asked.policy is None:
        return rules
    return replace(rules, policy=await _policy(connection, policies, asked.policy))


async def _policy(connection: AsyncConnection, policies: Policies, wanted: str) -> Policy:
    name, _, number = wanted.partition("@")
    if not number:
        return (await policies.in_force(connection)).rules(name, ()).policy
    if not number.isdecimal():
        raise Rejected("policy_not_found", "policy: expected NAME or NAME@VERSION")
    policy = (await policies.version(connection, name, int(number[:9]))).policy()
    if policy is None:
        raise Rejected("unknown_policy", f"{wanted[:80]!r} does not say how accounts age")
    return policy


def _last_day(row: Any, known_at: datetime | None) -> date:
    # A day that changed nothing left no trace in the account: the shard knows how far it is aged.
    day = max(date.fromordinal(translate.as_of(row["folded"])), row["aged_to"] or date.min)
    return day if known_at is None else min(day, known_at.astimezone(UTC).date())
