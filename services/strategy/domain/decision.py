"""The decision: a pure function of a strategy, what is known of a case, and the business date."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from services.strategy.domain.history import History
from services.strategy.domain.hold import Hold
from services.strategy.domain.strategy import Conditions, Step, Strategy
from shared.vocabulary.money import Money

Inputs = dict[str, str | int | bool | None]


@dataclass(frozen=True, slots=True)
class CaseView:
    """What a decision may look at. `bucket` is that of the account longest past due."""

    days_past_due: int
    bucket: str
    arrears: Mapping[str, int]
    """Minor units by currency, delinquent accounts only."""
    products: frozenset[str]
    history: History = field(default_factory=History)
    holds: tuple[Hold, ...] = ()
    """Active ones."""
    promise_judged_on: date | None = None
    """When the open promise will be judged; None without one."""
    broken_promises: int = 0


@dataclass(frozen=True, slots=True)
class Decision:
    """Take this step now; `inputs` are the values its rule saw."""

    step: Step
    sequence: int
    rule: str
    inputs: Inputs


@dataclass(frozen=True, slots=True)
class Nothing:
    """Do nothing, and why. `next_on` is the first day on which that may change without any news."""

    reason: str
    text: str
    next_on: date | None = None


def decide(strategy: Strategy, case: CaseView, on: date) -> Decision | Nothing:
    """The first step whose conditions hold on that day, or why there is none."""
    stopped = _stop(strategy, case)
    if stopped is not None:
        return stopped
    waiting: list[tuple[date, int]] = []
    for position, step in enumerate(strategy.steps):
        possible_on = _possible_on(strategy, step, case, on)
        if possible_on is None:
            continue
        if possible_on <= on:
            return Decision(step, case.history.times(step.name) + 1, step.rule, _inputs(case, on))
        waiting.append((possible_on, position))
    return _wait(strategy, waiting)


def _stop(strategy: Strategy, case: CaseView) -> Nothing | None:
    if not any(case.arrears.values()):
        return Nothing("no_arrears", "nothing is overdue")
    if case.holds:
        kinds = ", ".join(sorted({hold.kind for hold in case.holds}))
        ends = [hold.until_on for hold in case.holds]
        return Nothing("hold", f"on hold: {kinds}", max((e for e in ends if e), default=None) if all(ends) else None)
    if case.promise_judged_on is not None:
        return Nothing("promise", f"a promise to pay runs until {case.promise_judged_on}", case.promise_judged_on)
    if not strategy.arrears_floor.reached(case.arrears):
        return Nothing("below_floor", "the arrears are below the strategy's floor")
    return None


def _wait(strategy: Strategy, waiting: list[tuple[date, int]]) -> Nothing:
    if not waiting:
        return Nothing("no_step", "no step of the strategy applies until something changes")
    next_on, position = min(waiting)
    step = strategy.steps[position]
    return Nothing("wait", f"{step.name} may follow on {next_on}", next_on)


def _possible_on(strategy: Strategy, step: Step, case: CaseView, on: date) -> date | None:
    """The first day from `on` on which the step applies if only time passes; None when it takes news."""
    latest_dpd = step.when.days_past_due_to
    if latest_dpd is not None and case.days_past_due > latest_dpd:
        return None
    if not _holds(step, case):
        return None
    day = _not_before(strategy, step, case, on)
    if latest_dpd is not None and case.days_past_due + (day - on).days > latest_dpd:
        return None
    return day


def _holds(step: Step, case: CaseView) -> bool:
    """The conditions that time alone does not change."""
    when, done = step.when, case.history.steps
    return (
        (not when.buckets or case.bucket in when.buckets)
        and (not when.products or bool(when.products & case.products))
        and (when.arrears_at_least is None or when.arrears_at_least.reached(case.arrears))
        and case.broken_promises >= when.broken_promises_at_least
        and case.history.times(step.name) < step.times
        and all(after.step in done for after in when.after)
        and when.unless_done.isdisjoint(done)
        and _outcome_holds(when, case)
    )


def _outcome_holds(when: Conditions, case: CaseView) -> bool:
    if when.earlier_outcome is None:
        return True
    done = case.history.steps.get(when.earlier_outcome.step)
    return done is not None and bool({done.last.state, done.last.outcome} & when.earlier_outcome.among)


def _not_before(strategy: Strategy, step: Step, case: CaseView, on: date) -> date:
    """The day on which the last wait of the step ends, `on` or later."""
    when, history = step.when, case.history
    # In ordinals: every step of every case that is decided on comes through here.
    day = on.toordinal() + max(0, when.days_past_due_from - case.days_past_due)
    gap = max(strategy.days_between_contacts, when.days_since_contact)
    day = max(day, history.free_from(step.channel, when.days_since_step, gap))
    if step.name in history.steps:
        day = max(day, history.steps[step.name].last.decided_on.toordinal() + step.every_days)
    for after in when.after:
        if after.step in history.steps:
            day = max(day, history.steps[after.step].last.decided_on.toordinal() + after.days)
    return date.fromordinal(day)


def _inputs(case: CaseView, on: date) -> Inputs:
    last, contacted_on = case.history.last, case.history.last_contact_on
    return {
        "days_past_due": case.days_past_due,
        "bucket": case.bucket,
        "arrears": ", ".join(str(Money(minor, code)) for code, minor in sorted(case.arrears.items())),
        "products": ", ".join(sorted(case.products)),
        "steps_done": case.history.treatments,
        "last_step": last.step if last else None,
        "last_outcome": (last.outcome or last.state) if last else None,
        "days_since_step": (on - last.decided_on).days if last else None,
        "days_since_contact": (on - contacted_on).days if contacted_on else None,
        "broken_promises": case.broken_promises,
    }
