"""Lives of an account as examples: any rules, and facts in any order with days that close between them."""

from datetime import date, timedelta

from hypothesis import strategies as st

from services.ingest.domain import facts as f
from services.ingest.domain.assessment import Assessment
from services.ingest.domain.policy import Band, Classification, Materiality, Policy, Probation, Rules, Scale

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
