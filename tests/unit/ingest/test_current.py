"""Lives of accounts, day by day and in jumps: after each step the account is what its facts and the days before say."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from services.ingest.domain import facts as f
from services.ingest.domain.assessment import assess
from services.ingest.domain.figures import spell_until
from services.ingest.domain.known import ONE_DAY, Known
from services.ingest.domain.policy import Band, Classification, Materiality, Probation, Rules, Scale
from tests.unit.ingest.cases import Fed, bill, day, policy, repaid, rules

SCALE = Scale((Band("fine", 0), Band("default", 6)))
COUNTED = Classification("counted", 1, SCALE, 6, Materiality({"EUR": 4_000}, 500), Probation(1, 2))
ON_PROBATION = Classification("probation", 1, SCALE, 6, None, Probation(1, 1))
GRACED = replace(policy(), grace_days=3)
WEIGHED = replace(GRACED, materiality=Materiality({"EUR": 5_000}, 1_000))
KINDS = {
    "plain": rules(),
    "grace": Rules(GRACED, (Classification("plain", 1, SCALE),)),
    "coarse": Rules(replace(GRACED, buckets=Scale((Band("fine", 0), Band("late", 20))))),
    "held": rules("in-rbi", "in-rbi", "ifrs9"),
    "weighed": Rules(replace(WEIGHED, materiality=Materiality({"EUR": 5_000}, 1_000, False))),
    "consecutive": Rules(WEIGHED),
    "probation": Rules(policy(), (ON_PROBATION,)),
    "all of them": Rules(WEIGHED, (COUNTED, ON_PROBATION, Classification("plain", 1, SCALE))),
    "eu-default": rules("eu-default", "eu-default"),
}
LIFE: list[f.Fact | int] = [
    bill("b1", 10_000, due=31), bill("b2", 6_000, due=45, issued=15), 31, 32, 33, 34, 36, 40, 44,
    repaid("r1", 7_000, on=45), 45, 46, 47, f.Balance("e1", 60_000, day(48)), 50, 52, f.Paused("p1", day(53)), 55,
    f.Resumed("p1", day(57)), 58, repaid("r2", 9_000, on=60), 60, 61, 62, 75, bill("b3", 8_000, due=80, issued=75),
    81, 82, 88, 95, repaid("r3", 8_000, on=96), bill("b4", 9_000, due=100, issued=96), 99, 101, 130, 131, 170,
    repaid("r4", 9_000, on=170), 171, 195, 230, 262, 300,
]  # fmt: skip


def steps(close: str) -> Iterator[f.Fact | int]:
    last = 1
    for step in LIFE:
        if isinstance(step, int) and close == "each day":
            yield from range(last + 1, step)
        if isinstance(step, int) and close != "never":
            last = step
            yield step
        if not isinstance(step, int):
            yield step
    yield 301


def told_right(fed: Fed, step: f.Fact | int) -> None:
    """Takes the step, and compares all that is kept with what the reference says."""
    told = fed.closes(step) if isinstance(step, int) else fed.fact(step)
    account, known = fed.account, Known([fact for fact, _ in fed.past])
    expected = assess(known, fed.by, account.as_of)
    if told or not isinstance(step, int):
        assert fed.now == expected
    assert fed.now.next_transition_on == expected.next_transition_on
    assert account.spell == spell_until(known, fed.by, account.as_of)
    assert account.eve == spell_until(known, fed.by, account.as_of - ONE_DAY)


@pytest.mark.parametrize("close", ["each day", "in jumps", "never"])
@pytest.mark.parametrize("kind", KINDS)
def test_an_account_is_what_its_facts_and_the_days_before_say(kind: str, close: str) -> None:
    fed = Fed(KINDS[kind])
    for step in steps(close):
        told_right(fed, step)
    assert fed.from_history <= 1


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "life",
    [
        [bill("b1"), bill("b2", 6_000, due=45), 40, 47, 48, 49],  # a day passed over on which something fell due
        [bill(), 40, f.Closed(day(41)), 41, 42, 90],
        [bill(), 40, repaid(on=41), 45, f.Closed(day(46)), 46, 47],
        [bill(), 40, f.Reaged("g1", day(41)), 41, 42, 75, 110],
        [bill(), f.Reaged("g1", day(33)), 40, bill("b2", due=45, issued=40), 60],
    ],
)
def test_days_passed_over_closures_and_re_ages(kind: str, life: list[f.Fact | int]) -> None:
    fed = Fed(KINDS[kind])
    for step in life:
        told_right(fed, step)


@pytest.mark.parametrize("fact", [f.Paused("p1", day(40)), f.Balance("e1", 5, day(220))])
def test_what_falls_due_comes_next_where_days_change_no_name_any_more(fact: f.Fact) -> None:
    """In a pause without end, or in the last bucket."""
    fed = Fed()
    fed.facts(bill("b1", due=31), fact)
    fed.closes(230)
    assert fed.now.next_transition_on is None
    fed.fact(bill("b2", due=250))
    assert fed.now.next_transition_on == day(251)
    fed.fact(f.Balance("e2", 6, day(230)))
    assert fed.now.next_transition_on == day(251)
