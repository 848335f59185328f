"""Walking from day to day comes to what each day comes to from nothing, wherever one stops in between."""

import json
from datetime import date

from hypothesis import given, settings
from hypothesis import strategies as st

from services.ingest.domain import facts as f
from services.ingest.domain.allocation import allocate
from services.ingest.domain.figures import figures_on
from services.ingest.domain.known import Known
from services.ingest.domain.policy import Rules
from services.ingest.domain.rebuild import rebuilt
from services.ingest.domain.walk import Walk
from tests.property.examples import examples
from tests.property.lives import SPAN, any_fact, any_rules, day, opening, steps_of_any_kind
from tests.property.reference import from_nothing

many_facts = st.lists(any_fact, max_size=25, unique_by=lambda fact: (fact.kind, fact.key))
lives = st.one_of(
    many_facts, steps_of_any_kind.map(lambda steps: [step[0] for step in steps if isinstance(step, tuple)])
)


@settings(max_examples=examples(300), deadline=None)
@given(any_rules(), lives, st.lists(st.integers(-5, SPAN * 3), min_size=1, max_size=12))
def test_each_days_figures_are_those_of_the_day_from_nothing(
    rules: Rules, facts: list[f.Fact], asked: list[int]
) -> None:
    """In any order: a timeline that has been walked far answers for the days before too."""
    known = Known([opening, *facts])
    slow = from_nothing([opening, *facts], rules.policy)
    for number in asked:
        assert figures_on(known, rules.policy, day(number)) == figures_on(slow, rules.policy, day(number))


@settings(max_examples=examples(300), deadline=None)
@given(any_rules(), lives, st.lists(st.integers(-5, SPAN + 40), max_size=6), st.integers(0, SPAN + 40))
def test_a_ledger_does_not_depend_on_the_stops_on_the_way_to_it(
    rules: Rules, facts: list[f.Fact], stops: list[int], number: int
) -> None:
    known = Known([opening, *facts])
    walk = Walk(known, rules.policy)
    for stop in sorted(stop for stop in stops if stop <= number):
        walk.to(day(stop))
    there = rebuilt(known, walk, day(number))
    assert json.dumps(there.pack()) == json.dumps(rebuilt(known, Walk(known, rules.policy), day(number)).pack())


@settings(max_examples=examples(300), deadline=None)
@given(any_rules(), lives, st.integers(-5, SPAN + 40))
def test_a_ledger_made_anew_holds_what_allocation_leaves_unpaid(rules: Rules, facts: list[f.Fact], number: int) -> None:
    known, on = Known([opening, *facts]), day(number)
    ledger, allocation = rebuilt(known, Walk(known, rules.policy), on), allocate(known, rules.policy, on)
    kept = [m for m in allocation.meetings if not m.reaged]
    unpaid = [(m.obligation.id, m.obligation.amount_minor, m.paid_minor) for m in kept if m.unpaid_minor]
    assert [(due.id, due.amount_minor, due.paid_minor) for due in ledger.open] == unpaid
    paid = [m.obligation for m in kept if m.paid_minor]
    assert ledger.paid_to == (
        (ordinal(paid[-1].due_on), ordinal(paid[-1].issued_on), paid[-1].id) if paid else (0, 0, "")
    )
    left = [(ordinal(r.effective_on), allocation.left_minor[r.repayment_id]) for r in known.repayments(on)]
    assert ledger.last_repaid_on == max((on for on, _ in left), default=0)
    if rules.policy.surplus == "carries_forward":
        assert (ledger.surplus_minor, ledger.spare_on) == (sum(minor for _, minor in left), 0)
    else:
        assert (ledger.surplus_minor, ledger.spare_on) == (0, max((on for on, minor in left if minor), default=0))


def ordinal(on: date) -> int:
    return on.toordinal()
