"""What one day's facts come to, and what that day owes to the days before it: the reference, without names for days.

Apart from the assessment, which names the days and looks ahead, because the ledger's view and the compact ledger's
rebuilding start from here too.
"""

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

from services.ingest.domain.allocation import Meeting, allocate
from services.ingest.domain.known import ONE_DAY, Known, State
from services.ingest.domain.pauses import Ageing
from services.ingest.domain.policy import Policy


class Figures(NamedTuple):
    """What follows from a day's ledger alone, without the days before it."""

    days: int
    arrears_minor: int
    exposure_minor: int
    material: bool
    oldest: Ageing | None
    state: State

    @property
    def delinquent(self) -> bool:
        return self.days > 0 and self.material


class Spell(NamedTuple):
    """What a day owes to the days before it."""

    since: date | None = None
    """First day of the present run of delinquent days."""
    worst_days: int = 0
    """Most days past due since arrears were last zero."""


def figures_on(known: Known, policy: Policy, as_of: date) -> Figures:
    """Days, arrears, exposure and state on that day."""
    state = known.state(as_of)
    if state == "closed":
        return Figures(0, 0, 0, False, None, state)
    overdue = [m for m in allocate(known, policy, as_of).meetings if m.overdue(as_of)]
    oldest = _oldest([m for m in overdue if m.short(policy)])
    arrears, exposure = sum(m.unpaid_minor for m in overdue), known.exposure_minor(as_of)
    material = policy.material(arrears, exposure, known.opened.currency if known.opened else "")
    days = max(0, known.pauses().age(oldest, as_of.toordinal()) - policy.grace_days) if oldest else 0
    return Figures(days, arrears, exposure, material, oldest, state)


def _oldest(ageing: Sequence[Meeting]) -> Ageing | None:
    return min((m.obligation.ageing for m in ageing), default=None)


def spell_until(known: Known, policy: Policy, as_of: date) -> Spell:
    """Goes back from `as_of` over stretches in which no fact begins to count and nothing falls due.

    In such a stretch arrears stand still and days only grow, so that its last day tells the whole of it.
    """
    since, running, worst, last = None, True, 0, as_of
    for first in _stretches_back(known, policy, as_of):
        figures = figures_on(known, policy, last)
        worst = max(worst, figures.days)
        if running and figures.delinquent:
            since = max(first, _delinquent_from(known, policy, figures))
        running = running and since == first
        if not figures.arrears_minor:
            break
        last = first - ONE_DAY
    return Spell(since, worst)


def _stretches_back(known: Known, policy: Policy, as_of: date) -> list[date]:
    due = {o.overdue_from for o in known.obligations(policy, as_of)}
    return sorted({d for d in due | known.effective_dates() if d <= as_of}, reverse=True)


def _delinquent_from(known: Known, policy: Policy, figures: Figures) -> date:
    """The day on which the oldest obligation of a delinquent account began to count."""
    reached = known.pauses().reaches_on(figures.oldest, policy.grace_days + 1) if figures.oldest else None
    if reached is None:
        raise ValueError("no obligation makes this account delinquent")
    return date.fromordinal(reached)
