"""The incremental fold says what the reference says, in whatever order and however often cut; and the reference
itself against days counted one by one."""

import json
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from services.ingest.domain import facts as f
from services.ingest.domain.account import Account, HistoryNeeded, StatusChange, age, apply
from services.ingest.domain.assessment import Assessment, assess, ledger_view
from services.ingest.domain.counters import months_after
from services.ingest.domain.figures import course_of, figures_on, spell_until, stretch
from services.ingest.domain.known import Known
from services.ingest.domain.policy import Band, Classification, Materiality, Policy, Probation, Rules, Scale
from tests.property.examples import examples
from tests.property.reference import from_nothing

START = date(2024, 1, 1)
SPAN = 60
"""Days in which facts fall; small, so that they meet."""
Step = tuple[f.Fact, int] | int
"""A fact and the day it is recorded, or a day that closes."""


def day(number: int) -> date:
    return START + timedelta(days=number)


BUCKETS = Scale((Band("current", 0), Band("1-4", 1), Band("5-19", 5), Band("20+", 20)))
STAGES = Classification("stages", 1, Scale((Band("one", 0), Band("two", 8))))
HELD = Classification("held", 1, Scale((Band("standard", 0), Band("watch", 1), Band("npa", 10))), held_from=10)
SCALE = Scale((Band("fine", 0), Band("default", 6)))
COUNTED = Classification("counted", 1, SCALE, 6, Materiality({"EUR": 4}, 500), Probation(1, 2))
ON_PROBATION = Classification("probation", 1, SCALE, 6, None, Probation(1, 1))


@st.composite
def any_rules(draw: st.DrawFn) -> Rules:
    policy = Policy(
        "p",
        1,
        draw(st.sampled_from(["carries_forward", "settles_balance"])),
        draw(st.sampled_from(["day_after", "due_day"])),
        BUCKETS,
        draw(st.sampled_from([0, 0, 3])),
        draw(st.sampled_from([0, 0, 3_000])),
        draw(st.sampled_from([None, None, Materiality({"EUR": 3}, 1_000), Materiality({"EUR": 3}, 1_000, False)])),
    )
    plain, tracked = [(), (STAGES,), (HELD,), (STAGES, HELD)], [(COUNTED,), (HELD, ON_PROBATION, COUNTED)]
    return Rules(policy, draw(st.sampled_from([*plain, *tracked])))


days = st.integers(0, SPAN)
amounts = st.integers(0, 9)
names = st.sampled_from("1234")
opening = f.Opened("c", "loan", "EUR", "p", (), day(0), None, 50)

any_fact = st.one_of(
    st.builds(
        lambda n, a, issued, due: f.Billed(f"b{n}", "instalment", a, day(issued), day(due)), names, amounts, days, days
    ),
    st.builds(lambda n, a, on: f.Repaid(f"r{n}", a, day(on)), names, amounts, days),
    st.builds(
        lambda n, a, issued, due: f.Billed(f"b{n}", "instalment", a, day(issued), day(due)), names, amounts, days, days
    ),
    st.builds(lambda n, a, on: f.Repaid(f"r{n}", a, day(on)), names, amounts, days),
    st.builds(lambda b, n, a, on: f.Adjusted(f"b{b}", f"j{n}", a, day(on)), names, names, amounts, days),
    st.builds(lambda n, on: f.Cancelled(f"b{n}", day(on)), names, days),
    st.builds(lambda n, on: f.Reversed(f"r{n}", day(on)), names, days),
    st.builds(lambda n, on: f.ChargedBack(f"r{n}", day(on)), names, days),
    st.builds(lambda n, a, on: f.Balance(f"e{n}", a * 10, day(on)), names, amounts, days),
    st.builds(
        lambda n, on, more: f.Paused(f"p{n}", day(on), None if more is None else day(on + more)),
        st.sampled_from("12"),
        days,
        st.none() | st.integers(0, 20),
    ),
    st.builds(lambda n, on: f.Resumed(f"p{n}", day(on)), st.sampled_from("12"), days),
    st.builds(lambda n, on: f.Reaged(f"g{n}", day(on)), st.sampled_from("12"), days),
    st.builds(lambda n, on: f.ReageUndone(f"g{n}", day(on)), st.sampled_from("12"), days),
    st.builds(lambda on: f.WrittenOff(1, day(on)), days),
    st.builds(lambda on: f.Closed(day(on)), st.integers(SPAN // 2, SPAN * 3)),
)
fact_sets = st.lists(any_fact, max_size=14, unique_by=lambda fact: (fact.kind, fact.key))


@st.composite
def any_steps(draw: st.DrawFn) -> list[Step]:
    """Facts in any order on days that go forward, between them days that close; some facts wait for the opening."""
    arriving: list[f.Fact] = draw(fact_sets)
    arriving.insert(draw(st.integers(0, min(3, len(arriving)))), opening)
    steps: list[Step] = []
    today = 0
    for fact in arriving:
        if draw(st.booleans()):
            today += draw(st.integers(1, 12))
            steps.append(today)
        recorded = draw(st.sampled_from([today, today + 1, (fact.effective_on - START).days]))
        steps.append((fact, max(today, recorded)))
    return [*steps, today + draw(st.integers(1, 40))]


def _around(today: int) -> st.SearchStrategy[f.Fact]:
    """A fact that counts today or a little earlier, about few bills and repayments: what the compact ledger folds."""
    few, small = st.sampled_from("12345"), st.integers(1, 6)
    lately = st.integers(max(0, today - 3), today)
    soon = st.integers(max(0, today - 1), today + 8)
    billed = st.builds(lambda n, a, i, d: f.Billed(f"b{n}", "instalment", a, day(i), day(d)), few, small, lately, soon)
    repaid = st.builds(lambda n, a, on: f.Repaid(f"r{n}", a, day(on)), few, small, lately)
    return st.one_of(
        billed,
        repaid,
        billed,
        repaid,
        billed,
        repaid,
        st.builds(lambda n, j, a, on: f.Adjusted(f"b{n}", f"j{j}", a, day(on)), few, few, st.integers(0, 6), lately),
        st.builds(lambda n, on: f.Cancelled(f"b{n}", day(on)), few, lately),
        st.builds(lambda n, a, on: f.Balance(f"e{n}", a * 10, day(on)), few, small, lately),
        st.builds(
            lambda n, on, d: f.Paused(f"p{n}", day(on), day(on + d) if d else None),
            few,
            lately,
            st.sampled_from([0, 9]),
        ),
        st.builds(lambda n, on: f.Resumed(f"p{n}", day(on)), few, lately),
        st.one_of(
            st.builds(lambda n, on: f.Reversed(f"r{n}", day(on)), few, lately),
            st.builds(lambda n, on: f.ChargedBack(f"r{n}", day(on)), few, lately),
            st.builds(lambda n, on: f.Reaged(f"g{n}", day(on)), few, lately),
            st.builds(lambda on: f.WrittenOff(1, day(on)), lately),
            st.builds(lambda on: f.Closed(day(on)), lately),
        ),
    )


@st.composite
def lively_steps(draw: st.DrawFn) -> list[Step]:
    """A life as core banking tells it: what counts now, told now or a little late, and days that close."""
    steps: list[Step] = [(opening, 0)]
    today, claimed = 0, set[tuple[str, str]]()
    for _ in range(draw(st.integers(2, 16))):
        gap = draw(st.sampled_from([0, 0, 1, 2, 5, 12]))
        if gap:
            today += gap
            steps.append(today - draw(st.sampled_from([0, 1])))
        fact = draw(_around(today))
        if (fact.kind, fact.key) not in claimed:
            claimed.add((fact.kind, fact.key))
            steps.append((fact, today))
    return [*steps, today + draw(st.integers(1, 40))]


steps_of_any_kind = st.one_of(lively_steps(), lively_steps(), any_steps())


class Fold:
    """An account, what it knows and what it told."""

    def __init__(self, rules: Rules, cut: bool = False) -> None:
        self.rules, self.cut = rules, cut
        self.account = Account.new("a", lambda *_: rules)
        self.past: list[tuple[f.Fact, date]] = []
        self.told: list[StatusChange] = []

    def take(self, step: Step) -> list[StatusChange]:
        told = self._told(step)
        if not isinstance(step, int):
            self.past.append((step[0], day(step[1])))
        self.told += told
        return told

    def _told(self, step: Step) -> list[StatusChange]:
        packed = json.loads(json.dumps(self.account.pack()))
        if self.cut:
            self.account = Account.unpack("a", packed, lambda *_: self.rules)
        try:
            return self._once(step, None)
        except HistoryNeeded:
            self.account = Account.unpack("a", packed, lambda *_: self.rules)
            return self._once(step, self.past)

    def _once(self, step: Step, past: Sequence[tuple[f.Fact, date]] | None) -> list[StatusChange]:
        if isinstance(step, int):
            return age(self.account, day(step), f"ageing:{day(step)}", past)
        return apply(self.account, step[0], day(step[1]), "e", past)

    @property
    def facts(self) -> list[f.Fact]:
        return [fact for fact, _ in self.past]


def shown(status: Assessment) -> tuple[object, ...]:
    return (
        status.bucket,
        status.delinquent,
        status.classifications,
        status.arrears_minor,
        status.exposure_minor,
        status.oldest_due_on,
        status.state,
    )


@settings(max_examples=examples(600), deadline=None)
@given(any_rules(), steps_of_any_kind)
def test_the_fold_agrees_with_the_reference_after_every_step(rules: Rules, steps: list[Step]) -> None:
    fold, as_of = Fold(rules), date.min
    for step in steps:
        told = fold.take(step)
        assert fold.account.as_of >= as_of
        as_of = fold.account.as_of
        if fold.account.rules is None or fold.account.assessment is None:
            continue
        reference = assess(from_nothing(fold.facts, rules.policy), rules, as_of)
        if not isinstance(step, int) or told:
            assert fold.account.assessment == reference
        assert shown(fold.account.assessment) == shown(reference)
        assert fold.account.assessment.next_transition_on == reference.next_transition_on


@settings(max_examples=examples(150), deadline=None)
@given(any_rules(), steps_of_any_kind)
def test_what_is_told_is_enough_to_follow_the_account(rules: Rules, steps: list[Step]) -> None:
    fold = Fold(rules)
    for step in steps:
        fold.take(step)
        if fold.told and fold.account.assessment is not None:
            assert shown(fold.told[-1].assessment) == shown(fold.account.assessment)
    assert [change.version for change in fold.told] == list(range(1, len(fold.told) + 1))
    delinquent, bucket, latest = False, "current", fold.told[0].assessment if fold.told else None
    for change in fold.told:
        if change.assessment is not latest and latest is not None:
            bucket, latest = latest.bucket, change.assessment
        assert change.previous_bucket == bucket
        if change.kind in ("entered", "cured"):
            assert change.assessment.delinquent != delinquent
            delinquent = change.assessment.delinquent
        if change.kind == "rolled":
            assert delinquent
            assert change.assessment.bucket != bucket
    assert latest is None or latest.delinquent == delinquent


@settings(max_examples=examples(150), deadline=None)
@given(any_rules(), steps_of_any_kind)
def test_cutting_the_fold_anywhere_tells_the_same(rules: Rules, steps: list[Step]) -> None:
    whole, cut = Fold(rules), Fold(rules, cut=True)
    for step in steps:
        assert whole.take(step) == cut.take(step)
    assert whole.account.pack() == cut.account.pack()


@settings(max_examples=examples(150), deadline=None)
@given(any_rules(), fact_sets, st.data())
def test_order_and_repetition_of_facts_do_not_matter(rules: Rules, facts: list[f.Fact], data: st.DataObject) -> None:
    everything: list[f.Fact] = [opening, *facts]
    again = data.draw(st.lists(st.sampled_from(everything), max_size=5))
    shuffled = data.draw(st.permutations([*everything, *again]))
    as_of = day(data.draw(st.integers(0, SPAN + 20)))
    expected = assess(from_nothing(everything, rules.policy), rules, as_of)
    assert assess(shuffled, rules, as_of) == expected
    fold, claimed = Fold(rules), set[tuple[str, str]]()
    for fact in shuffled:
        if (fact.kind, fact.key) not in claimed:
            claimed.add((fact.kind, fact.key))
            fold.take((fact, 0))
    fold.take((as_of - START).days)
    assert fold.account.assessment is not None
    assert shown(fold.account.assessment) == shown(expected)
    repaid = sum(c.repayment.amount_minor for c in fold.told if c.repayment)
    undone = {x.repayment_id for x in facts if isinstance(x, (f.Reversed, f.ChargedBack))}
    assert repaid == sum(x.amount_minor for x in facts if isinstance(x, f.Repaid) and x.repayment_id not in undone)


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


@settings(max_examples=examples(200), deadline=None)
@given(st.one_of(any_fact, st.just(opening)))
def test_a_stored_fact_reads_as_it_was(fact: f.Fact) -> None:
    assert f.unpack(fact.kind, json.loads(json.dumps(f.pack(fact)))) == fact
