"""Why an assessment says what it says: the obligation that ages the account, the money it took, the days left out,
the rule behind each label.

Apart from the assessment, which it explains, and from the hot path: made from all facts when somebody asks.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Final, Literal

from services.ingest.domain.allocation import Meeting, allocate
from services.ingest.domain.counters import NOT_COUNTING, Counter, leaves_on
from services.ingest.domain.facts import Fact
from services.ingest.domain.figures import course_of, spell_until, stretch
from services.ingest.domain.known import Known
from services.ingest.domain.policy import TEN_THOUSAND, Classification, Policy, Rules, Scale
from services.ingest.domain.spells import Course, Spell, Stretch

OPEN_END: Final = None


@dataclass(frozen=True, slots=True)
class Met:
    """What one repayment paid of an obligation."""

    repayment_id: str
    amount_minor: int
    effective_on: date


@dataclass(frozen=True, slots=True)
class OldestOverdue:
    """The obligation that ages the account, and the repayments it took."""

    id: str
    kind: str
    amount_minor: int
    paid_minor: int
    unpaid_minor: int
    issued_on: date
    due_on: date
    overdue_from: date
    met_by: tuple[Met, ...]


@dataclass(frozen=True, slots=True)
class Excluded:
    """Days the oldest obligation is late that do not count. `spans` are [from, until) of paused days."""

    reason: Literal["paused", "grace", "not_material"]
    days: int
    spans: tuple[tuple[date, date], ...] = ()


@dataclass(frozen=True, slots=True)
class Weighed:
    """Arrears against the policy's thresholds; both must be exceeded. `since`: without a break."""

    absolute_minor: int
    share_minor: int
    relative_bp: int
    passed: bool
    since: date | None


@dataclass(frozen=True, slots=True)
class Classified:
    """What set one label. `to_days` None has no end. Held: kept after the days that led to it."""

    name: str
    version: int
    label: str
    counts: Literal["days_past_due", "consecutive_material_days"]
    days: int
    from_days: int
    to_days: int | None
    since: date | None
    held: Literal["until_arrears_are_paid", "probation"] | None
    leaves_on: date | None
    """The end of a probation under way, if nothing counts until then."""
    citation: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """All that led to the figures of one day. Amounts are minor units of the account's currency."""

    as_of: date
    currency: str
    state: str
    bucket: str
    overdue: str
    oldest: OldestOverdue | None
    overdue_obligations: int
    arrears_minor: int
    exposure_minor: int
    late_days: int
    days: int
    excluded: tuple[Excluded, ...]
    within_tolerance: tuple[str, ...]
    reaged: tuple[str, ...]
    weighed: Weighed | None
    classifications: tuple[Classified, ...]


def explain(facts: Iterable[Fact] | Known, rules: Rules, as_of: date) -> Explanation:
    """Why `assess` of the same arguments answers what it answers."""
    known = Known.by(facts)
    policy, course = rules.policy, course_of(known, rules)
    today, spell = stretch(known, policy, as_of, as_of), spell_until(known, rules, as_of)
    meetings = allocate(known, policy, as_of).meetings
    overdue = [] if today.closed else [m for m in meetings if m.overdue(as_of)]
    ageing = [m for m in overdue if m.short(policy)]
    oldest = min(ageing, key=lambda m: m.obligation.ageing, default=None)
    return Explanation(
        as_of=as_of,
        currency=known.currency,
        state=known.state(as_of),
        bucket=course.names(today, spell)[0],
        overdue=policy.overdue,
        oldest=_oldest(oldest, known) if oldest else None,
        overdue_obligations=len(overdue),
        arrears_minor=today.arrears_minor,
        exposure_minor=today.exposure_minor,
        late_days=(as_of - oldest.obligation.overdue_from).days + 1 if oldest else 0,
        days=course.days(today, spell.since),
        excluded=tuple(_excluded(course, today, spell)),
        within_tolerance=tuple([m.obligation.id for m in overdue if not m.short(policy)]),
        reaged=tuple([m.obligation.id for m in meetings if m.reaged]),
        weighed=_weighed(policy, known.currency, today, spell),
        classifications=tuple(_classified(course, today, spell)),
    )


def _oldest(meeting: Meeting, known: Known) -> OldestOverdue:
    owed, repaid = meeting.obligation, {r.repayment_id: r.effective_on for r in known.repayments(date.max)}
    return OldestOverdue(
        owed.id,
        owed.kind,
        owed.amount_minor,
        meeting.paid_minor,
        meeting.unpaid_minor,
        owed.issued_on,
        owed.due_on,
        owed.overdue_from,
        tuple([Met(id_, amount, repaid[id_]) for id_, amount in meeting.met_by]),
    )


def _excluded(course: Course, today: Stretch, spell: Spell) -> Iterable[Excluded]:
    """In the order in which they are taken off: pauses, grace, days without material arrears."""
    if today.oldest is None:
        return
    late = today.last - today.oldest.overdue_from + 1
    unpaused = max(0, course.pauses.age(today.oldest, today.last))
    if late > unpaused:
        begin, end = today.oldest.due_on, today.last
        spans = [(max(begin, a), min(end, b)) for a, b in course.pauses.spans if a < end and b > begin]
        dated = tuple([(date.fromordinal(a), date.fromordinal(b)) for a, b in spans])
        yield Excluded("paused", late - unpaused, dated)
    if unpaused > today.age:
        yield Excluded("grace", unpaused - today.age)
    days = course.days(today, spell.since)
    if today.age > days:
        yield Excluded("not_material", today.age - days)


def _weighed(policy: Policy, currency: str, today: Stretch, spell: Spell) -> Weighed | None:
    limits = policy.materiality
    if limits is None or not today.arrears_minor:
        return None
    passed = limits.passed(today.arrears_minor, today.exposure_minor, currency)
    share_minor = today.exposure_minor * limits.relative_bp // TEN_THOUSAND
    return Weighed(limits.absolute_minor.get(currency, 0), share_minor, limits.relative_bp, passed, spell.since)


def _classified(course: Course, today: Stretch, spell: Spell) -> Iterable[Classified]:
    tracked = [by.name for by in course.rules.tracked]
    counters = dict(zip(tracked, spell.counters, strict=False))
    days = course.days(today, spell.since)
    labels = dict(course.names(today, spell)[1])
    for by in course.rules.classifications:
        counter = counters.get(by.name, NOT_COUNTING)
        own = course.counted(by, counter.since, today.last, days)
        from_days, to_days = _range(by.labels, labels[by.name])
        ends = leaves_on(by, counter)
        yield Classified(
            name=by.name,
            version=by.version,
            label=labels[by.name],
            counts="consecutive_material_days" if by.materiality else "days_past_due",
            days=own,
            from_days=from_days,
            to_days=to_days,
            since=date.fromordinal(counter.since) if counter.since else spell.since,
            held=_held(by, counter, own, spell),
            leaves_on=date.fromordinal(ends) if ends else None,
            citation=by.cite,
        )


def _range(labels: Scale, label: str) -> tuple[int, int | None]:
    n = labels.names.index(label)
    return labels.starts[n], labels.starts[n + 1] - 1 if n + 1 < len(labels.starts) else OPEN_END


def _held(
    by: Classification, counter: Counter, days: int, spell: Spell
) -> Literal["until_arrears_are_paid", "probation"] | None:
    """How a label that its days alone would not give is kept."""
    if by.held_from is None or days >= by.held_from:
        return None
    if by.probation is not None:
        return "probation" if counter.held else None
    return "until_arrears_are_paid" if spell.worst_days >= by.held_from else None
