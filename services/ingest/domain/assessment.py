"""The reference: what an account's delinquency is as of a day, from its facts and rules alone (DOMAIN: The ledger).

Written to be checked against the document line by line; the incremental `account` has to give the same answers and is
tested against this. Each day's money comes from one walk over the account's life (`walk`), which the tests hold to what
`allocation` makes of the day from nothing. No clock, no state.

`classifications` is a tuple of (name, label) pairs: `dict(...)` of it is what the wire has. `delinquent_since` is the
first day of the unbroken run of delinquent days that ends at `as_of`, each day judged by the facts of now.
`next_transition_on` counts every figure a status publishes except the number of days itself: bucket, delinquency,
classifications, arrears, exposure, oldest due date, state.
"""

from bisect import bisect_right
from collections.abc import Iterable
from datetime import date
from typing import NamedTuple

from services.ingest.domain.facts import Fact
from services.ingest.domain.figures import course_of, figures_on, spell_until, stretch, timeline
from services.ingest.domain.known import Known, State
from services.ingest.domain.policy import Labels, Rules
from services.ingest.domain.spells import Course, Spell, Stretch
from services.ingest.domain.view import ledger_view

__all__ = ["Assessment", "assess", "ledger_view", "next_transition"]


class Assessment(NamedTuple):
    """An account's delinquency on one day. Amounts are minor units of the account's currency."""

    as_of: date
    days_past_due: int
    bucket: str
    delinquent: bool
    delinquent_since: date | None
    arrears_minor: int
    exposure_minor: int
    oldest_due_on: date | None
    classifications: Labels
    state: State
    next_transition_on: date | None


def assess(facts: Iterable[Fact] | Known, rules: Rules, as_of: date) -> Assessment:
    """The account's delinquency as of that day, by the facts given, in any order and with repetitions."""
    known = Known.by(facts)
    figures, spell = figures_on(known, rules.policy, as_of), spell_until(known, rules, as_of)
    course, today = course_of(known, rules), stretch(known, rules.policy, as_of, as_of)
    bucket, labels = course.names(today, spell)
    return Assessment(
        as_of=as_of,
        days_past_due=course.days(today, spell.since),
        bucket=bucket,
        delinquent=figures.delinquent,
        delinquent_since=spell.since,
        arrears_minor=figures.arrears_minor,
        exposure_minor=figures.exposure_minor,
        oldest_due_on=date.fromordinal(figures.oldest.due_on) if figures.oldest else None,
        classifications=labels,
        state=figures.state,
        next_transition_on=next_transition(known, rules, as_of),
    )


def next_transition(known: Known, rules: Rules, as_of: date) -> date | None:
    """The first day after `as_of` on which, with no new fact, a published figure is another than on `as_of`.

    Goes forward over the days on which a fact begins to count or something falls due; between them only the
    oldest obligation's days grow.
    """
    course, spell = course_of(known, rules), spell_until(known, rules, as_of)
    today = stretch(known, rules.policy, as_of, as_of)
    shown = _shown(known, course, today, spell)
    starts = timeline(known, rules.policy).starts
    for until in [*starts[bisect_right(starts, as_of) :], None]:
        ends = None if until is None else until.toordinal()
        changes_on = course.changes_on(today, spell, ends)
        if changes_on is not None:
            return date.fromordinal(changes_on)
        if until is None or ends is None:
            return None
        spell = course.after(spell, course.onward(today, ends - 1)) if ends - 1 > today.last else spell
        today = stretch(known, rules.policy, until, until)
        spell = course.after(spell, today)
        if _shown(known, course, today, spell) != shown:
            return until
    return None


def _shown(known: Known, course: Course, today: Stretch, spell: Spell) -> tuple[object, ...]:
    money = today.arrears_minor, today.exposure_minor
    due_on = today.oldest.due_on if today.oldest else None
    state = known.state(date.fromordinal(today.last))
    return course.names(today, spell), spell.since is not None, money, due_on, state
