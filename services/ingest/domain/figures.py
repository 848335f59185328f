"""What each day's facts come to, and the spell they end, without names for days.

Apart from the assessment, which names the days and looks ahead, because explanations and the account made anew from
its facts start from here too.
"""

from bisect import bisect_right
from datetime import date
from typing import NamedTuple
from weakref import proxy

from services.ingest.domain.known import ONE_DAY, Known, State
from services.ingest.domain.pauses import Ageing
from services.ingest.domain.policy import Policy, Rules
from services.ingest.domain.spells import NO_SPELL, Course, Spell, Stretch
from services.ingest.domain.walk import Arrears, Walk


class Figures(NamedTuple):
    """What follows from a day's ledger alone, without the days before it."""

    age: int
    """Days of the oldest obligation that ages the account, less grace."""
    arrears_minor: int
    exposure_minor: int
    material: bool
    oldest: Ageing | None
    state: State

    @property
    def delinquent(self) -> bool:
        return self.age > 0 and self.material


class Money(NamedTuple):
    """What a stretch of days, in which no fact begins to count and nothing falls due, has in common."""

    arrears: Arrears
    exposure_minor: int
    state: State


class Timeline:
    """The stretches of an account under one policy, each walked to once: spells go over the same days again."""

    def __init__(self, known: Known, policy: Policy) -> None:
        # It is kept by these facts: two that hold each other would stay until garbage is collected, which is seldom.
        self._known: Known = proxy(known)
        self._walk = Walk(self._known, policy)
        due = {o.overdue_from for o in known.obligations(policy, date.max)}
        self.starts = sorted(due | known.effective_dates)
        self._walked = [self._money(date.min)]

    def on(self, day: date) -> Money:
        """That of the stretch which the day is in."""
        place = bisect_right(self.starts, day)
        for start in self.starts[len(self._walked) - 1 : place]:
            self._walk.to(start)
            self._walked.append(self._money(start))
        return self._walked[place]

    def _money(self, start: date) -> Money:
        return Money(self._walk.arrears(start), self._known.exposure_minor(start), self._known.state(start))


def timeline(known: Known, policy: Policy) -> Timeline:
    """That of these facts, made once."""
    if id(policy) not in known.figured:
        known.figured[id(policy)] = policy, Timeline(known, policy)
    made: Timeline = known.figured[id(policy)][1]
    return made


def figures_on(known: Known, policy: Policy, as_of: date) -> Figures:
    """Age, arrears, exposure and state on that day."""
    (arrears, oldest), exposure, state = timeline(known, policy).on(as_of)
    if state == "closed":
        return Figures(0, 0, 0, False, None, state)
    material = policy.material(arrears, exposure, known.currency)
    age = max(0, known.pauses().age(oldest, as_of.toordinal()) - policy.grace_days) if oldest else 0
    return Figures(age, arrears, exposure, material, oldest, state)


def spell_until(known: Known, rules: Rules, as_of: date) -> Spell:
    """Goes over stretches in which no fact begins to count and nothing falls due, the last of which ends at `as_of`.

    It begins after the last day without arrears; where a probation may run, with the first stretch of all.
    """
    stretches: list[Stretch] = []
    last = as_of
    starts = timeline(known, rules.policy).starts
    for first in reversed(starts[: bisect_right(starts, as_of)]):
        stretches.append(stretch(known, rules.policy, first, last))
        if not stretches[-1].arrears_minor and not rules.tracked:
            break
        last = first - ONE_DAY
    course, spell = course_of(known, rules), NO_SPELL
    for over in reversed(stretches):
        spell = course.after(spell, over)
    return spell


def stretch(known: Known, policy: Policy, first: date, last: date) -> Stretch:
    """Days in which nothing but age changes."""
    on = figures_on(known, policy, last)
    closed, reaged = on.state == "closed", first in known.reages(first)
    money = on.arrears_minor, on.exposure_minor
    return Stretch(first.toordinal(), last.toordinal(), on.age, on.oldest, *money, closed, reaged)


def course_of(known: Known, rules: Rules) -> Course:
    """How the account goes on from day to day."""
    return Course(rules, known.currency, known.pauses())
