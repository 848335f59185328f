"""The decision alone: each condition, each stop, and the inputs that are kept."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from services.strategy.domain.account import Account
from services.strategy.domain.decision import CaseView, Decision, Nothing, decide
from services.strategy.domain.history import History
from services.strategy.domain.hold import Hold
from services.strategy.domain.strategy import After, Conditions, EarlierOutcome, Floor, Step
from services.strategy.domain.treatment import Treatment
from tests.unit.strategy.cases import MONDAY, SMS, day, now, status, strategy

VIEW = CaseView(days_past_due=10, bucket="1-29", arrears={"EUR": 10_000}, products=frozenset({"loan"}))


def done(step: str, on: date, state: Any = "attempted", outcome: str | None = None, channel: Any = "sms") -> Treatment:
    """A step taken on a day."""
    return Treatment(
        f"t-{step}-{on}", "c-1", "case-1", f"k-{step}-{on}", step, 1, channel, "x", on, now(on), "test", 1,
        state=state, outcome=outcome, attempted_on=on if state == "attempted" else None,
    )  # fmt: skip


def step(**when: Any) -> Step:
    """A step under these conditions."""
    return Step("it", "Because of the test.", "call", "call", Conditions(**when))


def possible(when: Step, view: CaseView = VIEW, **more: Any) -> bool:
    """Whether the step is taken on Monday."""
    return isinstance(decide(strategy(when, **more), view, MONDAY), Decision)


def test_nothing_overdue_is_never_treated() -> None:
    for arrears in ({}, {"EUR": 0}):
        found = decide(strategy(step(), arrears_floor=Floor()), replace(VIEW, arrears=arrears), MONDAY)
        assert isinstance(found, Nothing)
        assert found.reason == "no_arrears"


@pytest.mark.parametrize(
    ("arrears", "floor", "reached"),
    [
        ({"EUR": 1_999}, Floor(20), False),
        ({"EUR": 2_000}, Floor(20), True),
        ({"JPY": 20}, Floor(20), True),
        ({"JPY": 2_999}, Floor(20, {"JPY": 3_000}), False),
        ({"KWD": 19_999}, Floor(20), False),
        ({"EUR": 1_999, "USD": 2_000}, Floor(20), True),
    ],
)
def test_the_floor_counts_each_currency_by_itself(arrears: dict[str, int], floor: Floor, reached: bool) -> None:
    assert possible(step(), replace(VIEW, arrears=arrears), arrears_floor=floor) is reached


@pytest.mark.parametrize(
    ("when", "holds"),
    [
        ({"days_past_due_from": 10}, True),
        ({"days_past_due_from": 11}, False),
        ({"days_past_due_to": 10}, True),
        ({"days_past_due_to": 9}, False),
        ({"buckets": frozenset({"1-29"})}, True),
        ({"buckets": frozenset({"30-59"})}, False),
        ({"products": frozenset({"loan", "card"})}, True),
        ({"products": frozenset({"card"})}, False),
        ({"arrears_at_least": Floor(100)}, True),
        ({"arrears_at_least": Floor(101)}, False),
        ({"after": (After("other"),)}, False),
        ({"broken_promises_at_least": 1}, False),
        ({"earlier_outcome": EarlierOutcome("other", frozenset({"failed"}))}, False),
    ],
)
def test_each_condition_alone(when: dict[str, Any], holds: bool) -> None:
    assert possible(step(**when)) is holds


@pytest.mark.parametrize(
    ("when", "holds"),
    [
        ({"after": (After("sms", 5),)}, True),
        ({"after": (After("sms", 6),)}, False),
        ({"unless_done": frozenset({"sms"})}, False),
        ({"days_since_step": 5}, True),
        ({"days_since_step": 6}, False),
        ({"days_since_contact": 5}, True),
        ({"days_since_contact": 6}, False),
        ({"earlier_outcome": EarlierOutcome("sms", frozenset({"failed", "no_answer"}))}, True),
        ({"earlier_outcome": EarlierOutcome("sms", frozenset({"delivered"}))}, False),
    ],
)
def test_conditions_on_what_was_done_five_days_ago(when: dict[str, Any], holds: bool) -> None:
    view = replace(VIEW, history=History.of((done("sms", day(-5), outcome="no_answer"),)))
    assert possible(step(**when), view) is holds


def test_one_treatment_a_day() -> None:
    assert not possible(
        step(), replace(VIEW, history=History.of((done("sms", MONDAY, "failed"),))), days_between_contacts=0
    )


def test_nothing_is_asked_of_a_channel_whose_last_request_is_still_open() -> None:
    waiting = done("other", day(-5), "requested", channel="call")
    view = replace(VIEW, history=History.of((replace(waiting, expires_at=now(MONDAY)),)))
    found = decide(strategy(step(), days_between_contacts=0), view, MONDAY)
    assert isinstance(found, Nothing)
    assert found.next_on == day(1), "the day after it lost its worth"


def test_the_first_step_that_applies_is_taken() -> None:
    first, second = replace(step(), name="first"), replace(step(), name="second")
    found = decide(strategy(first, second), VIEW, MONDAY)
    assert isinstance(found, Decision)
    assert found.step.name == "first"


def test_a_wait_names_the_step_and_the_day() -> None:
    found = decide(strategy(step(days_past_due_from=15)), VIEW, MONDAY)
    assert found == Nothing("wait", f"it may follow on {day(5)}", day(5))


def test_a_step_whose_range_ends_before_its_wait_does_is_not_waited_for() -> None:
    view = replace(VIEW, history=History.of((done("sms", MONDAY),)))
    found = decide(strategy(step(days_past_due_to=11, after=(After("sms", 2),))), view, MONDAY)
    assert isinstance(found, Nothing)
    assert (found.reason, found.next_on) == ("no_step", None)


def test_a_hold_and_a_promise_say_until_when() -> None:
    hold = Hold("h-1", "c-1", "case-1", "dispute", MONDAY, day(9))
    held = decide(strategy(SMS), replace(VIEW, holds=(hold,)), MONDAY)
    endless = decide(strategy(SMS), replace(VIEW, holds=(hold, replace(hold, until_on=None))), MONDAY)
    promised = decide(strategy(SMS), replace(VIEW, promise_judged_on=day(4)), MONDAY)
    assert isinstance(held, Nothing)
    assert isinstance(endless, Nothing)
    assert isinstance(promised, Nothing)
    assert [held.next_on, endless.next_on, promised.next_on] == [day(9), None, day(4)]
    assert (held.reason, promised.reason) == ("hold", "promise")


def test_the_inputs_are_what_the_rule_saw() -> None:
    view = replace(VIEW, history=History.of((done("sms", day(-5), outcome="no_answer"),)), broken_promises=1)
    found = decide(strategy(step()), view, MONDAY)
    assert isinstance(found, Decision)
    assert found.inputs == {
        "days_past_due": 10,
        "bucket": "1-29",
        "arrears": "100.00 EUR",
        "products": "loan",
        "steps_done": 1,
        "last_step": "sms",
        "last_outcome": "no_answer",
        "days_since_step": 5,
        "days_since_contact": 5,
        "broken_promises": 1,
    }


@pytest.mark.parametrize(
    ("account", "days_later", "expected"),
    [
        (status(1, MONDAY, dpd=3), 4, 7),
        (status(1, MONDAY, dpd=27), 9, 29),  # no roll came: its ageing is paused
        (status(1, MONDAY, dpd=200), 9, 209),
        (status(1, MONDAY, dpd=3), -2, 3),
        (status(1, MONDAY, arrears=0), 9, 0),
        (status(1, MONDAY, dpd=5, bucket="M1"), 40, 45),
    ],
)
def test_days_past_due_between_two_statuses(account: Account, days_later: int, expected: int) -> None:
    assert account.days_past_due_on(day(days_later)) == expected


def test_news_of_a_contact_may_come_in_any_order() -> None:
    asked = done("sms", MONDAY, "requested")
    sent = asked.became("attempted", "sent", day(1))
    assert sent.became("delivered", None, day(1)) == asked.became("delivered", None, day(1)).became(
        "attempted", None, day(1)
    ).became("attempted", "sent", day(1)).became("delivered", "sent", day(1))
    assert asked.became("withdrawn", "cured", day(1)).became("suppressed", "withdrawn", day(1)).state == "suppressed"
