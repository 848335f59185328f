"""Promises: kept, broken, and broken again by a reversal (DOMAIN: Metrics)."""

from services.strategy.domain.promise import threshold
from services.strategy.domain.raised import Judged
from tests.unit.strategy.cases import MONDAY, Story, day, owes, promised, repaid


def verdicts(story: Story) -> list[tuple[str, int]]:
    """Every judgement so far: state and what was paid."""
    return [(e.promise.state, e.promise.paid_minor) for e in story.raised if isinstance(e, Judged)]


def promising(amount: int = 10_000) -> Story:
    """A customer in arrears who promises on day 1 to pay by day 5; judged when day 7 is complete."""
    story = Story()
    story.learn(owes(1, MONDAY, dpd=3))
    story.end(MONDAY)
    story.learn(promised(day(1), day(5), amount))
    return story


def test_the_threshold_is_ninety_percent_rounded_up() -> None:
    assert threshold(10_000, 90) == 9_000
    assert threshold(10_001, 90) == 9_001
    assert threshold(1, 90) == 1


def test_kept_as_soon_as_the_threshold_is_reached() -> None:
    story = promising()
    story.learn(repaid(2, day(3), 8_999, key="r-1"))
    assert verdicts(story) == []
    story.learn(repaid(3, day(4), 1, key="r-2"))
    assert verdicts(story) == [("kept", 9_000)]
    story.end_days(4, 10)
    assert verdicts(story) == [("kept", 9_000)]


def test_broken_when_the_grace_is_over_and_not_a_day_before() -> None:
    story = promising()
    story.learn(repaid(2, day(3), 8_999))
    story.end_days(1, 6)
    assert verdicts(story) == []
    story.end(day(7))
    assert verdicts(story) == [("broken", 8_999)]


def test_money_effective_in_the_grace_counts_and_after_it_does_not() -> None:
    for effective, expected in ((7, ["kept"]), (8, ["broken"])):
        story = promising()
        story.end_days(1, 6)
        if effective == 7:
            story.learn(repaid(2, day(7), 10_000))
        story.end(day(7))
        if effective == 8:
            story.learn(repaid(2, day(8), 10_000))
        assert [state for state, _ in verdicts(story)] == expected


def test_money_effective_before_the_promise_does_not_count() -> None:
    story = promising()
    story.learn(repaid(2, MONDAY, 10_000))
    story.end_days(1, 7)
    assert verdicts(story) == [("broken", 0)]


def test_money_folded_before_the_promise_counts_when_its_value_date_is_in_the_window() -> None:
    story = Story()
    story.learn(owes(1, MONDAY, dpd=3))
    story.end(MONDAY)
    story.learn(repaid(2, day(2), 9_500))
    story.learn(promised(day(1), day(5)))
    assert verdicts(story) == [("kept", 9_500)]


def test_a_reversal_breaks_a_kept_promise_at_the_end_of_its_day() -> None:
    story = promising()
    story.learn(repaid(2, day(3), 10_000))
    story.end_days(3, 19)
    story.learn(repaid(3, day(20), -10_000))
    story.end(day(20))
    assert verdicts(story) == [("kept", 10_000), ("broken", 0)]


def test_a_reversal_before_the_due_date_leaves_time_to_pay_again() -> None:
    story = promising()
    story.learn(repaid(2, day(2), 10_000, key="r-1"), repaid(3, day(3), -10_000, key="r-1"))
    story.end(day(3))
    assert [state for state, _ in verdicts(story)] == ["kept"]
    story.learn(repaid(4, day(4), 10_000, key="r-2"))
    assert [state for state, _ in verdicts(story)] == ["kept", "kept"]


def test_a_late_booking_with_a_value_date_in_the_window_makes_a_broken_promise_kept() -> None:
    story = promising()
    story.end_days(1, 7)
    late = repaid(2, day(5), 10_000)
    story.learn(late)
    assert [state for state, _ in verdicts(story)] == ["broken", "kept"]


def test_a_reversal_that_arrives_before_its_repayment_counts_once() -> None:
    story = promising()
    story.learn(repaid(3, day(3), -10_000, key="r-1"), repaid(2, day(3), 10_000, key="r-1"))
    story.end_days(3, 7)
    assert verdicts(story) == [("broken", 0)]


def test_the_same_repayment_twice_counts_once() -> None:
    story = promising()
    story.learn(repaid(2, day(3), 5_000), repaid(2, day(3), 5_000))
    story.end_days(3, 7)
    assert verdicts(story) == [("broken", 5_000)]


def test_money_on_an_account_that_was_not_delinquent_does_not_keep_a_promise() -> None:
    story = promising()
    story.learn(repaid(1, day(3), 10_000, left=0, account_id="a-2"))
    story.end_days(3, 7)
    assert verdicts(story) == [("broken", 0)]


def test_a_promise_is_judged_even_when_the_case_is_over() -> None:
    story = promising()
    story.learn(owes(2, day(2), arrears=0, delinquent=False))
    story.end_days(1, 10)
    assert verdicts(story) == [("broken", 0)]
    assert story.customer.next_decision_on is None
