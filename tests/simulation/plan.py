"""What a seed asks of the world: which facts come when, and which faults strike when. Smaller plans are made of it.

Apart from the world so that a plan can be cut down: a fault less, the same facts.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Literal, get_args

from tests.simulation.chain import FACTS, Fact, Kind
from tests.simulation.life import Trap

PUBLISHING_S = 5.0
FAULTS_S = 6.0
ACCOUNTS = 5

Blow = Literal["crash", "pause", "deafen", "expel", "stop", "roll", "end_sessions", "store_away", "broker_away"]
ForGood = Literal["cut_off"]
Fault = Blow | Trap | ForGood
CUT_OFF_SHARE = 0.25


@dataclass(frozen=True)
class Strike:
    """One fault: on a node by number where it is about one, for a while where it lasts."""

    at_s: float
    kind: Fault
    node: int
    lasts_s: float

    def __str__(self) -> str:
        return f"{self.at_s:.3f} {self.kind} node {self.node} for {self.lasts_s:.1f} s"


@dataclass(frozen=True)
class Plan:
    """One run."""

    seed: int
    facts: Sequence[tuple[float, Fact | None]]
    """None is an offset that has no record."""
    days: Sequence[float]
    strikes: Sequence[Strike]
    batch_records_max: int

    def without(self, strike: Strike) -> "Plan":
        return replace(self, strikes=[one for one in self.strikes if one is not strike])


def plan_of(seed: int) -> Plan:
    """The seed's whole run."""
    chance = Random(f"plan {seed}")
    facts = [_fact(chance, n) for n in range(chance.randint(8, 60))]
    again = [fact for fact in facts if chance.random() < 0.1]
    bursts = [chance.uniform(0, PUBLISHING_S) for _ in range(chance.randint(1, 12))]
    moments = sorted(chance.choice(bursts) + chance.random() * 0.05 for _ in range(len(facts) + len(again)))
    published: list[Fact | None] = [*facts, *again]
    if chance.random() < 0.3:
        published[chance.randrange(len(published))] = None
    days = sorted(chance.uniform(0.5, PUBLISHING_S) for _ in range(chance.randint(0, 3)))
    strikes = [*_strikes(chance), *_cut_off(seed)]
    cap = chance.choice((1, 3, 10, 100))
    return Plan(seed, list(zip(moments, published, strict=True)), days, sorted(strikes, key=lambda s: s.at_s), cap)


def _fact(chance: Random, number: int) -> Fact:
    kind: Kind = chance.choices(("good", "refused", "junk"), (0.92, 0.04, 0.04))[0]
    topic = FACTS[1] if kind == "refused" else chance.choice(FACTS)
    return Fact(topic, f"account-{chance.randrange(ACCOUNTS)}", f"f{number}", kind)


def _strikes(chance: Random) -> list[Strike]:
    """Half of them close behind another: faults do their worst together."""
    strikes: list[Strike] = []
    for _ in range(chance.randint(2, 9)):
        alone = not strikes or chance.random() < 0.5
        at_s = chance.uniform(0.3, FAULTS_S) if alone else chance.choice(strikes).at_s + chance.uniform(0, 0.4)
        strikes.append(_strike(chance, at_s))
    return strikes


def _cut_off(seed: int) -> list[Strike]:
    """By a chance of its own, so that seeds which found something once still stand for it."""
    chance = Random(f"cut off {seed}")
    if chance.random() > CUT_OFF_SHARE:
        return []
    return [Strike(chance.uniform(0.3, FAULTS_S), "cut_off", chance.randrange(100), 0.0)]


def _strike(chance: Random, at_s: float) -> Strike:
    kind: Fault = chance.choice((*get_args(Blow), *get_args(Trap)))
    return Strike(at_s, kind, chance.randrange(100), chance.choice((0.2, 0.8, 2.0, 4.0)))
