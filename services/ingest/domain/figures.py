"""What one day's facts come to, and the spell they end: the reference, without names for days.

Apart from the assessment, which names the days and looks ahead, because the ledger's view and the compact ledger's
rebuilding start from here too.
"""

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

from services.ingest.domain.allocation import Meeting, allocate
from services.ingest.domain.known import ONE_DAY, Known, State
from services.ingest.domain.pauses import Ageing
from services.ingest.domain.policy import Policy, Rules
from services.ingest.domain.spells import NO_SPELL, Course, Spell, Stretch


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


def figures_on(known: Known, policy: Policy, as_of: date) -> Figures:
    """Age, arrears, exposure and state on that day; worked out once, since spells go over the same days again."""
    _, figured = known.figured.setdefault(id(policy), (policy, {}))
    if as_of not in figured:
        figured[as_of] = _figures(known, policy, as_of)
    figures: Figures = figured[as_of]
    return figures


def _figures(known: Known, policy: Policy, as_of: date) -> Figures:
    state = known.state(as_of)
    if state == "closed":
        return Figures(0, 0, 0, False, None, state)
    overdue = [m for m in allocate(known, policy, as_of).meetings if m.overdue(as_of)]
    oldest = _oldest([m for m in overdue if m.short(policy)])
    arrears, exposure = sum(m.unpaid_minor for m in overdue), known.exposure_minor(as_of)
    material = policy.material(arrears, exposure, known.currency)
    age = max(0, known.pauses().age(oldest, as_of.toordinal()) - policy.grace_days) if oldest else 0
    return Figures(age, arrears, exposure, material, oldest, state)


def _oldest(ageing: Sequence[Meeting]) -> Ageing | None:
    return min((m.obligation.ageing for m in ageing), default=None)


def spell_until(known: Known, rules: Rules, as_of: date) -> Spell:
    """Goes over stretches in which no fact begins to count and nothing falls due, the last of which ends at `as_of`.

    It begins after the last day without arrears; where a probation may run, with the first stretch of all.
    """
    stretches: list[Stretch] = []
    last = as_of
    for first in _stretches_back(known, rules.policy, as_of):
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


def _stretches_back(known: Known, policy: Policy, as_of: date) -> list[date]:
    due = {o.overdue_from for o in known.obligations(policy, as_of)}
    return sorted({d for d in due | known.effective_dates() if d <= as_of}, reverse=True)
