"""Builders for the ledger's tests: rules, facts by the day of 2021, and an account fed one fact after the other."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

from services.ingest.domain.account import Account, HistoryNeeded, age, apply
from services.ingest.domain.assessment import Assessment, assess
from services.ingest.domain.changes import StatusChange
from services.ingest.domain.facts import Billed, Fact, Opened, Repaid
from services.ingest.domain.policy import Policy, Rules
from services.ingest.packs import load

PACKS = load()
CARD = PACKS.rules("card-minimum-payment", ())
RBI = PACKS.rules("in-rbi", ("in-rbi",))
START = date(2021, 1, 1)


def day(number: int) -> date:
    """Day 1 is 1 January 2021."""
    return START + timedelta(days=number - 1)


def rules(policy: str = "instalment", *classifications: str) -> Rules:
    return PACKS.rules(policy, classifications)


def policy(name: str = "instalment") -> Policy:
    return PACKS.rules(name, ()).policy


def opened(governed_by: Rules | None = None, principal: int | None = 100_000, currency: str = "EUR") -> Opened:
    by = governed_by or rules()
    names = tuple(c.name for c in by.classifications)
    return Opened("c-1", "loan", currency, by.policy.name, names, START, None, principal)


def bill(id_: str = "b1", amount: int = 10_000, due: int = 31, issued: int = 1) -> Billed:
    return Billed(id_, "instalment", amount, day(issued), day(due))


def repaid(id_: str = "r1", amount: int = 10_000, on: int = 31) -> Repaid:
    return Repaid(id_, amount, day(on))


def assessed(facts: Iterable[Fact], on: int | date, by: Rules | None = None) -> Assessment:
    """The reference's word, the account's opening included."""
    as_of = on if isinstance(on, date) else day(on)
    return assess([opened(by), *facts], by or rules(), as_of)


@dataclass
class Fed:
    """An account that opened on day 1 and remembers what it was fed. Each fact is recorded on the day it was."""

    by: Rules = field(default_factory=rules)
    opening: Opened | None = None
    past: list[tuple[Fact, date]] = field(default_factory=list)
    from_history: int = 0
    """How many facts and days needed the past."""

    def __post_init__(self) -> None:
        self.account = Account.new("a-1", lambda *_: self.by)
        self.today = START
        self.fact(self.opening or opened(self.by))

    def fact(self, fact: Fact, recorded: int | None = None) -> list[StatusChange]:
        """Applies it on a day, by default on that it is effective."""
        self.today = day(recorded) if recorded is not None else max(self.today, fact.effective_on)
        return self._folded(lambda known: apply(self.account, fact, self.today, "e-1", known), fact)

    def facts(self, *facts: Fact) -> list[StatusChange]:
        return [change for fact in facts for change in self.fact(fact)]

    def closes(self, number: int) -> list[StatusChange]:
        """The business day closes."""
        self.today = max(self.today, day(number))
        return self._folded(lambda known: age(self.account, day(number), f"ageing:{day(number)}", known), None)

    def _folded(self, fold, fact: Fact | None) -> list[StatusChange]:  # type: ignore[no-untyped-def]
        before = self.account.pack()
        try:
            told: list[StatusChange] = fold(None)
        except HistoryNeeded:
            self.from_history += 1
            self.account = Account.unpack("a-1", before, lambda *_: self.by)
            told = fold(list(self.past))
        if fact is not None:
            self.past.append((fact, self.today))
        return told

    @property
    def now(self) -> Assessment:
        assert self.account.assessment is not None
        return self.account.assessment


def kinds(told: Sequence[StatusChange]) -> list[str]:
    return [change.kind for change in told]
