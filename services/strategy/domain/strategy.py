"""A strategy: versioned rules, read from data, that choose the treatments of a case."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from shared.vocabulary.money import decimals

Decide = Literal["at_day_end", "on_change"]
Channel = Literal["sms", "email", "call", "letter"]


@dataclass(frozen=True, slots=True)
class Floor:
    """A least amount of arrears: minor units by currency, and whole units of every currency not named."""

    default_units: int = 0
    by_currency: Mapping[str, int] = field(default_factory=dict)

    def minor(self, currency: str) -> int:
        """The floor in minor units of that currency."""
        return self.by_currency.get(currency, self.default_units * 10 ** decimals(currency))

    def reached(self, arrears: Mapping[str, int]) -> bool:
        """True when the arrears of at least one currency reach the floor of that currency."""
        return any(amount >= self.minor(currency) for currency, amount in arrears.items())


@dataclass(frozen=True, slots=True)
class After:
    """Only some days after another step was last taken."""

    step: str
    days: int = 0


@dataclass(frozen=True, slots=True)
class EarlierOutcome:
    """Only when the last contact of a step came to one of these states or outcomes."""

    step: str
    among: frozenset[str]


@dataclass(frozen=True, slots=True)
class Conditions:
    """What must hold for a step, all of it; what is not said does not matter."""

    days_past_due_from: int = 0
    days_past_due_to: int | None = None
    buckets: frozenset[str] = frozenset()
    products: frozenset[str] = frozenset()
    arrears_at_least: Floor | None = None
    after: tuple[After, ...] = ()
    unless_done: frozenset[str] = frozenset()
    days_since_step: int = 0
    days_since_contact: int = 0
    earlier_outcome: EarlierOutcome | None = None
    broken_promises_at_least: int = 0


@dataclass(frozen=True, slots=True)
class Step:
    """One thing a strategy may do; `rule` says in plain words when and why."""

    name: str
    rule: str
    channel: Channel
    template: str
    when: Conditions
    priority: int = 0
    expires_after_days: int = 4
    times: int = 1
    every_days: int = 1


@dataclass(frozen=True, slots=True)
class PromiseTerms:
    """How promises made under the strategy are judged."""

    grace_days: int = 2
    threshold_percent: int = 90


@dataclass(frozen=True, slots=True)
class Strategy:
    """Steps in order of preference: the first whose conditions hold is taken."""

    name: str
    version: int
    decide: Decide
    steps: tuple[Step, ...]
    arrears_floor: Floor = Floor()
    days_between_contacts: int = 0
    promise: PromiseTerms = PromiseTerms()


@dataclass(frozen=True, slots=True)
class Assignment:
    """Cases with any of these products go to that strategy; no products means every case."""

    strategy: str
    products: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class StrategyBook:
    """All strategies in use and which case gets which; the last assignment takes every case."""

    strategies: Mapping[str, Strategy]
    assignments: tuple[Assignment, ...]

    def for_products(self, products: frozenset[str]) -> Strategy:
        """The strategy of a case with these products: the first assignment that names one of them, or all."""
        for rule in self.assignments:
            if not rule.products or rule.products & products:
                return self.strategies[rule.strategy]
        raise LookupError("the assignments end without one for every case")
