"""What the facts of one account say as of a day: obligations, repayments, exposure, pauses, state.

The first half of the reference assessment, before any money is allocated: here it is decided *what counts*
(DOMAIN: The ledger). Order and repetition of the facts do not matter: the first of a kind and key stands.
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from functools import cached_property
from operator import attrgetter
from typing import Any, Literal, NamedTuple, TypeVar

from services.ingest.domain.facts import (
    Adjusted,
    Balance,
    Billed,
    Cancelled,
    ChargedBack,
    Closed,
    Fact,
    Opened,
    Paused,
    Reaged,
    ReageUndone,
    Repaid,
    Resumed,
    Reversed,
    WrittenOff,
)
from services.ingest.domain.pauses import FOREVER, Ageing, Pauses
from services.ingest.domain.policy import Policy

ONE_DAY = timedelta(days=1)
CHARGEBACK = "chargeback"
State = Literal["open", "written-off", "closed"]
_NONE: Mapping[str, Any] = {}
_ORDER = attrgetter("due_on", "issued_on", "id")
_EFFECTIVE_ON = attrgetter("effective_on")
F = TypeVar("F")


class Obligation(NamedTuple):
    """A bill as adjusted so far, or a chargeback."""

    id: str
    kind: str
    amount_minor: int
    issued_on: date
    due_on: date
    overdue_from: date

    @property
    def key(self) -> tuple[date, date, str]:
        """The order in which obligations are met."""
        return self.due_on, self.issued_on, self.id

    @property
    def ageing(self) -> Ageing:
        return Ageing(self.due_on.toordinal(), self.overdue_from.toordinal())


class Known:
    """The facts of one account by kind and key. What is sorted once is kept: many days are asked of the same facts."""

    def __init__(self, facts: Iterable[Fact]) -> None:
        self._facts: dict[type[Any], dict[str, Any]] = {}
        for fact in facts:
            of_kind = self._facts.get(type(fact))
            if of_kind is None:
                of_kind = self._facts[type(fact)] = {}
            of_kind.setdefault(fact.key, fact)
        self._obligations: dict[tuple[str, int], list[Obligation]] = {}
        self.figured: dict[int, tuple[Policy, Any]] = {}
        """By identity of a policy: what its days come to, as far as anybody asked (`figures`)."""

    def of(self, kind: type[F]) -> Mapping[str, F]:
        """The facts of a kind by key."""
        return self._facts.get(kind, _NONE)

    @classmethod
    def by(cls, facts: "Iterable[Fact] | Known") -> "Known":
        """These facts, sorted before or not."""
        return facts if isinstance(facts, Known) else cls(facts)

    @property
    def opened(self) -> Opened | None:
        return self.of(Opened).get(Opened.key)

    @property
    def currency(self) -> str:
        return self.opened.currency if self.opened else ""

    def obligations(self, policy: Policy, as_of: date) -> list[Obligation]:
        """All that is owed or will fall due, oldest first. A bill counts however early it is known."""
        key = policy.overdue, bisect_right(self.obligations_change_on, as_of)
        if key not in self._obligations:
            self._obligations[key] = self._owed(policy, as_of)
        return self._obligations[key]

    @cached_property
    def obligations_change_on(self) -> list[date]:
        """The dates, ascending, on which other amounts than before are owed."""
        adjusted = [a.effective_on for a in self.of(Adjusted).values()]
        return sorted([*adjusted, *(c.effective_on for c in self.of(ChargedBack).values())])

    def _owed(self, policy: Policy, as_of: date) -> list[Obligation]:
        cancelled, amounts = self.of(Cancelled), self._amounts(as_of)
        wait = ONE_DAY if policy.overdue == "day_after" else timedelta(0)
        bills = [
            Obligation(id_, b.bill_kind, amounts.get(id_, b.amount_minor), b.issued_on, b.due_on, b.due_on + wait)
            for id_, b in self.of(Billed).items()
            if id_ not in cancelled
        ]
        bills += self._chargebacks(as_of)
        bills.sort(key=_ORDER)
        return bills

    def _amounts(self, as_of: date) -> dict[str, int]:
        if Adjusted not in self._facts:
            return {}
        counting = [a for a in self.of(Adjusted).values() if a.effective_on <= as_of]
        counting.sort(key=lambda a: (a.effective_on, a.adjustment_id))
        return {a.bill_id: a.amount_minor for a in counting}

    def _chargebacks(self, as_of: date) -> list[Obligation]:
        """A chargeback ages from the day after, under either convention."""
        repaid, reversed_ = self.of(Repaid), self.of(Reversed)
        return [
            Obligation(chargeback_id(id_), CHARGEBACK, repaid[id_].amount_minor, on, on, on + ONE_DAY)
            for id_, on in ((id_, c.effective_on) for id_, c in self.of(ChargedBack).items())
            if on <= as_of and id_ in repaid and id_ not in reversed_
        ]

    def repayments(self, as_of: date) -> list[Repaid]:
        """What counts by then, in order of allocation. A reversal undoes a repayment from its own date on."""
        return self._standing[: bisect_right(self._standing, as_of, key=_EFFECTIVE_ON)]

    @cached_property
    def _standing(self) -> list[Repaid]:
        reversed_ = self.of(Reversed)
        standing = [r for id_, r in self.of(Repaid).items() if id_ not in reversed_]
        return sorted(standing, key=attrgetter("effective_on", "repayment_id"))

    def reages(self, as_of: date) -> list[date]:
        """The dates of re-ages that stand, ascending."""
        return self._reages[: bisect_right(self._reages, as_of)]

    @cached_property
    def _reages(self) -> list[date]:
        undone = self.of(ReageUndone)
        return sorted(r.effective_on for id_, r in self.of(Reaged).items() if id_ not in undone)

    def balance(self, as_of: date) -> Balance | None:
        """The last balance reported for a date up to then."""
        counting = bisect_right(self._balances, as_of, key=_EFFECTIVE_ON)
        return self._balances[counting - 1] if counting else None

    @cached_property
    def _balances(self) -> list[Balance]:
        return sorted(self.of(Balance).values(), key=attrgetter("effective_on", "balance_id"))

    def exposure_minor(self, as_of: date) -> int:
        """The last balance reported, else the principal lent, else 0: a limit is not exposure."""
        balance = self.balance(as_of)
        if balance is not None:
            return balance.exposure_minor
        return (self.opened.principal_minor or 0) if self.opened else 0

    def pauses(self) -> Pauses:
        """Spans of days that do not age the account; the days after an as-of date do no harm in it."""
        return self._pauses

    @cached_property
    def _pauses(self) -> Pauses:
        resumed = self.of(Resumed)
        ends = ((p, resumed[id_].on if id_ in resumed else None) for id_, p in self.of(Paused).items())
        return Pauses(paused_span(p.from_on, p.until_on, on) for p, on in ends)

    def state(self, as_of: date) -> State:
        """Closed wins over written off."""
        if any(c.effective_on <= as_of for c in self.of(Closed).values()):
            return "closed"
        return "written-off" if any(w.effective_on <= as_of for w in self.of(WrittenOff).values()) else "open"

    @cached_property
    def effective_dates(self) -> set[date]:
        """Every date on which a fact begins to count; bills and pauses do so through days, not at once."""
        dated: tuple[type[Any], ...] = (Repaid, Adjusted, ChargedBack, Balance, Reaged, WrittenOff, Closed)
        return {fact.effective_on for kind in dated for fact in self.of(kind).values()}


def chargeback_id(repayment_id: str) -> str:
    """What the obligation of a chargeback is called; a bill of that very name is another obligation."""
    return f"{CHARGEBACK}:{repayment_id}"


def paused_span(from_on: date, until_on: date | None, resumed_on: date | None) -> tuple[int, int]:
    """[from, until) as ordinals: a resumption may end a pause sooner, never later."""
    ends = [end.toordinal() for end in (until_on, resumed_on) if end is not None]
    return from_on.toordinal(), min(ends, default=FOREVER)
