"""The reference: what an account's delinquency is as of a day, from its facts and rules alone (DOMAIN: The ledger).

Written to be checked against the document line by line, not to be fast; the incremental `account` has to give the
same answers and is tested against this. No clock, no state.

`classifications` is a tuple of (name, label) pairs: `dict(...)` of it is what the wire has. `delinquent_since` is the
first day of the unbroken run of delinquent days that ends at `as_of`, each day judged by the facts of now.
`next_transition_on` counts every figure a status publishes except the number of days itself: bucket, delinquency,
classifications, arrears, exposure, oldest due date, state.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

from services.ingest.domain.facts import Fact
from services.ingest.domain.figures import Figures, figures_on, spell_until
from services.ingest.domain.known import Known, State
from services.ingest.domain.policy import Labels, Policy, Rules
from services.ingest.domain.view import ledger_view

__all__ = ["Assessment", "assess", "ledger_view", "next_transition"]


@dataclass(frozen=True, slots=True)
class Assessment:
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


def assess(facts: Iterable[Fact], rules: Rules, as_of: date) -> Assessment:
    """The account's delinquency as of that day, by the facts given, in any order and with repetitions."""
    known = Known(facts)
    figures, spell = figures_on(known, rules.policy, as_of), spell_until(known, rules.policy, as_of)
    bucket, labels = rules.names(figures.days, spell.worst_days)
    return Assessment(
        as_of=as_of,
        days_past_due=figures.days,
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
    today, first, spell = figures_on(known, rules.policy, as_of), as_of, spell_until(known, rules.policy, as_of)
    shown = _shown(rules, today, spell.worst_days)
    for until in [*_stretches_forward(known, rules.policy, as_of), None]:
        figures, spell = figures_on(known, rules.policy, first), spell_until(known, rules.policy, first)
        if _shown(rules, figures, spell.worst_days) != shown:
            return first
        reached = _reaches_bound(known, rules, figures, spell.worst_days)
        if reached is not None and (until is None or reached < until):
            return reached
        first = until or first
    return None


def _stretches_forward(known: Known, policy: Policy, as_of: date) -> list[date]:
    everything = known.obligations(policy, date.max - timedelta(days=1))
    days = {o.overdue_from for o in everything} | known.effective_dates()
    return sorted(d for d in days if d > as_of)


def _shown(rules: Rules, figures: Figures, worst_days: int) -> tuple[object, ...]:
    money = figures.arrears_minor, figures.exposure_minor
    due_on = figures.oldest.due_on if figures.oldest else None
    return rules.names(figures.days, worst_days), figures.delinquent, money, due_on, figures.state


def _reaches_bound(known: Known, rules: Rules, figures: Figures, worst_days: int) -> date | None:
    bound = rules.next_bound(figures.days, worst_days, figures.material)
    if figures.oldest is None or bound is None:
        return None
    reached = known.pauses().reaches_on(figures.oldest, bound + rules.policy.grace_days)
    return None if reached is None else date.fromordinal(reached)
