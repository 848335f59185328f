"""The reference itself: money is conserved, and days are what counting them one by one finds."""

from datetime import date
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from services.ingest.domain import facts as f
from services.ingest.domain.assessment import Assessment, assess, ledger_view
from services.ingest.domain.counters import months_after
from services.ingest.domain.figures import course_of, figures_on, spell_until, stretch
from services.ingest.domain.known import Known
from services.ingest.domain.policy import Classification, Rules
from tests.property.examples import examples
from tests.property.lives import SPAN, any_rules, day, fact_sets, opening, shown
from tests.property.reference import from_nothing


@settings(max_examples=examples(300), deadline=None)
@given(any_rules(), fact_sets, st.integers(0, SPAN))
def test_money_is_neither_made_nor_lost(rules: Rules, facts: list[f.Fact], number: int) -> None:
    known = [opening, *facts]
    view, now = ledger_view(known, rules, day(number)), assess(known, rules, day(number))
    met: dict[str, int] = {}
    for line in view.obligations:
        assert line.paid_minor + line.unpaid_minor == line.amount_minor
        assert line.paid_minor == sum(amount for _, amount in line.allocations)
        assert line.unpaid_minor >= 0
        for by, amount in line.allocations:
            assert amount > 0
            met[by] = met.get(by, 0) + amount
    for repayment in view.repayments:
        counts = repayment.state in ("counted", "charged_back")
        expected = repayment.amount_minor if counts else 0
        assert met.pop(repayment.id, 0) + repayment.unallocated_minor == expected
        assert repayment.unallocated_minor >= 0
    assert not met
    assert now.arrears_minor == sum(line.unpaid_minor for line in view.obligations if line.overdue)


@settings(max_examples=examples(150), deadline=None)
@given(any_rules(), fact_sets, st.integers(0, SPAN))
def test_the_next_transition_is_the_first_change_found_day_by_day(
    rules: Rules, facts: list[f.Fact], number: int
) -> None:
    known = [opening, *facts]
    today = assess(known, rules, day(number))
    horizon = range(number + 1, 3 * SPAN + 60)
    changed = (day(n) for n in horizon if shown(assess_quickly(known, rules, day(n))) != shown(today))
    assert today.next_transition_on == next(changed, None)


def assess_quickly(facts: list[f.Fact], rules: Rules, as_of: date) -> Any:
    """Without looking ahead: the figures of one day, and what the days before it left."""
    known = from_nothing(facts, rules.policy)
    figures, today = figures_on(known, rules.policy, as_of), stretch(known, rules.policy, as_of, as_of)
    spell = spell_until(known, rules, as_of)
    bucket, labels = course_of(known, rules).names(today, spell)
    return Assessment(
        as_of, figures.age, bucket, figures.delinquent, None, figures.arrears_minor,
        figures.exposure_minor, figures.oldest and date.fromordinal(figures.oldest.due_on),
        labels, figures.state, None,
    )  # fmt: skip


class DayByDay:
    """What a person with a calendar would count: each day once, nothing skipped."""

    def __init__(self, known: Known, rules: Rules) -> None:
        self.known, self.rules = known, rules
        self.since: date | None = None
        self.run = self.worst = self.days = 0
        self.counted, self.quiet = dict[str, int](), dict[str, date | None]()
        self.held, self.reaged = set[str](), dict[str, date]()

    def count(self, today: date) -> None:
        policy, figures = self.rules.policy, figures_on(self.known, self.rules.policy, today)
        paused = self.known.pauses().days(today.toordinal() - 1, today.toordinal())
        self.run = self.run + 1 - (paused if self.since else 0) if figures.delinquent else 0
        self.since = (self.since or today) if figures.delinquent else None
        consecutive = policy.materiality is not None and policy.materiality.consecutive_days
        self.days = min(self.run, figures.age) if consecutive else figures.age
        self.worst = max(self.worst, self.days) if figures.arrears_minor else 0
        for by in self.rules.tracked:
            material = by.materiality is None or by.materiality.passed(
                figures.arrears_minor, figures.exposure_minor, "EUR"
            )
            counts = material and (figures.age > 0 if by.materiality else self.days > 0)
            going = by.name in self.counted
            run = self.counted.get(by.name, 0) + 1 - (paused if going else 0)
            self.probation(by, today, run if counts else None)

    def probation(self, by: Classification, today: date, run: int | None) -> None:
        if by.name in self.held and today in self.known.reages(today):
            self.reaged[by.name] = today
        if run is None:
            self.counted.pop(by.name, None)
            quiet = self.quiet[by.name] = self.quiet.get(by.name) or today
            assert by.probation is not None
            ends = [months_after(quiet.toordinal(), by.probation.months)]
            if by.name in self.reaged:
                ends.append(months_after(self.reaged[by.name].toordinal(), by.probation.months_after_reage))
            if self.known.state(today) == "closed" or today.toordinal() >= max(ends):
                self.held.discard(by.name)
        else:
            self.counted[by.name], self.quiet[by.name] = run, None
            if (run if by.materiality else self.days) >= 6:
                self.held.add(by.name)
        if by.name not in self.held:
            self.reaged.pop(by.name, None)
            if run is None:
                self.quiet[by.name] = None


@settings(max_examples=examples(300), deadline=None)
@given(any_rules(), fact_sets, st.integers(0, SPAN + 40))
def test_a_spell_is_what_counting_every_day_finds(rules: Rules, facts: list[f.Fact], number: int) -> None:
    known = Known([opening, *facts])
    counting = DayByDay(from_nothing([opening, *facts], rules.policy), rules)
    for n in range(number + 1):
        counting.count(day(n))
    spell = spell_until(known, rules, day(number))
    now = assess([opening, *facts], rules, day(number))
    assert (spell.since, spell.worst_days, now.days_past_due) == (counting.since, counting.worst, counting.days)
    expected = {by.name: "default" if by.name in counting.held else "fine" for by in rules.tracked}
    assert {name: label for name, label in now.classifications if name in expected} == expected
