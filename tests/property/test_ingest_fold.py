"""The incremental fold says what the reference says, in whatever order and however often cut."""

import json
from collections.abc import Sequence
from datetime import date

from hypothesis import given, settings
from hypothesis import strategies as st

from services.ingest.domain import facts as f
from services.ingest.domain.account import Account, HistoryNeeded, StatusChange, age, apply
from services.ingest.domain.assessment import assess
from services.ingest.domain.policy import Rules
from tests.property.examples import examples
from tests.property.lives import (
    SPAN,
    START,
    Step,
    any_fact,
    any_rules,
    day,
    fact_sets,
    opening,
    shown,
    steps_of_any_kind,
)
from tests.property.reference import from_nothing


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


@settings(max_examples=examples(200), deadline=None)
@given(st.one_of(any_fact, st.just(opening)))
def test_a_stored_fact_reads_as_it_was(fact: f.Fact) -> None:
    assert f.unpack(fact.kind, json.loads(json.dumps(f.pack(fact)))) == fact
