"""A case over its life: opened, treated step by step, stopped, closed, opened anew."""

from datetime import UTC, datetime, time, timedelta

from services.strategy.domain.identity import case_id
from services.strategy.domain.raised import Assigned, Closed, Opened, Treated, Withdrawn
from services.strategy.domain.settle import worthless_from
from tests.unit.strategy.cases import (
    CALL,
    MONDAY,
    Story,
    book,
    contacted,
    cured,
    day,
    dispute,
    lifted,
    now,
    owes,
    promised,
    status,
    steps,
    strategy,
)


def test_a_case_opens_at_the_end_of_the_day_with_all_delinquent_accounts() -> None:
    story = Story()
    assert story.learn(owes(1, MONDAY), owes(1, MONDAY, account_id="a-2", arrears=500)) == []
    opened, assigned = story.end(MONDAY)
    assert isinstance(opened, Opened)
    assert isinstance(assigned, Assigned)
    assert [(one.account_id, one.arrears_minor) for one in opened.owed] == [("a-1", 10_000), ("a-2", 500)]
    assert opened.case.case_id == case_id("c-1", 1)
    assert assigned.case.strategy == "test-at_day_end"


def test_what_is_cured_before_the_day_ends_never_becomes_a_case() -> None:
    story = Story()
    story.learn(owes(1, MONDAY), cured(2, MONDAY))
    assert story.end_days(0, 5) == []
    assert story.customer.case is None


def test_each_step_is_taken_on_its_day_and_only_then_is_anything_decided() -> None:
    story = Story()
    story.learn(owes(1, MONDAY, dpd=1))
    story.end(MONDAY)
    assert story.customer.next_decision_on == day(2), "DPD 3 is two days on"
    raised = story.end_days(1, 40)
    # SMS at DPD 3, email 5 days later, a call at DPD 20 and again after 7 days; then nothing more.
    assert steps(raised) == [("sms", day(2)), ("email", day(7)), ("call", day(19)), ("call", day(26))]
    assert story.customer.next_decision_on is None


def test_a_contact_asked_for_says_what_is_owed_and_when_it_loses_its_worth() -> None:
    story = Story()
    story.learn(owes(3, MONDAY, dpd=5))
    treated = story.end(MONDAY)[-1]
    assert isinstance(treated, Treated)
    assert treated.arrears == {"EUR": 10_000}
    assert (treated.days_past_due, treated.owed[0].version) == (5, 3)
    assert treated.treatment.expires_at == datetime.combine(day(5), time(), UTC), "the end of the fourth day"
    assert treated.treatment.rule == "From 3 days past due, once."
    assert treated.treatment.inputs["days_past_due"] == 5


def test_a_contact_ends_between_two_closes_and_whoever_catches_up_asks_for_none_that_is_over() -> None:
    midnight = datetime.combine(day(3), time(), UTC)
    assert worthless_from(MONDAY, now(MONDAY), 2) == midnight
    assert worthless_from(MONDAY, now(MONDAY) + timedelta(hours=20), 2) == midnight, "a close that took the night"
    assert worthless_from(MONDAY, now(day(7)), 2) == datetime.combine(day(9), time(), UTC)
    assert now(day(2)) < midnight < now(day(3))


def test_the_same_story_gives_the_same_identifiers() -> None:
    def contacts() -> list[str]:
        story = Story()
        story.learn(owes(1, MONDAY, dpd=1))
        return [e.treatment.contact_id for e in story.end_days(0, 40) if isinstance(e, Treated)]

    first = contacts()
    assert first == contacts()
    assert len(set(first)) == 4


def test_a_cure_withdraws_what_is_not_sent_at_once_and_closes_the_case_at_the_end_of_the_day() -> None:
    story = Story()
    story.learn(owes(1, MONDAY, dpd=3))
    story.end(MONDAY)
    (withdrawn,) = story.learn(cured(2, day(1)))
    assert isinstance(withdrawn, Withdrawn)
    assert withdrawn.reason == "cured"
    (closed,) = story.end(day(1))
    assert isinstance(closed, Closed)
    assert (closed.on, closed.reason) == (day(1), "cured")


def test_what_was_sent_is_not_withdrawn() -> None:
    story = Story()
    story.learn(owes(1, MONDAY, dpd=3))
    treated = story.end(MONDAY)[-1]
    assert isinstance(treated, Treated)
    story.learn(contacted(treated.treatment.contact_id, day(1)))
    assert story.learn(cured(2, day(1))) == []


def test_one_cured_account_of_two_keeps_the_case_open() -> None:
    story = Story()
    story.learn(owes(1, MONDAY, dpd=3), owes(1, MONDAY, dpd=9, account_id="a-2"))
    story.end(MONDAY)
    assert story.learn(cured(2, day(1), account_id="a-2")) == []
    assert story.end(day(1)) == []
    assert story.customer.open_case is not None


def test_an_account_that_cures_as_another_one_enters_continues_the_case_in_either_order() -> None:
    facts = [cured(2, day(1)), owes(1, day(1), account_id="a-2")]
    for order in (facts, facts[::-1]):
        story = Story()
        story.learn(owes(1, MONDAY))
        story.end(MONDAY)
        story.learn(*order)
        assert story.end(day(1)) == []
        assert story.customer.case_id == case_id("c-1", 1)


def test_a_later_delinquency_is_a_new_case_that_starts_from_the_first_step() -> None:
    story = Story()
    story.learn(owes(1, MONDAY, dpd=3))
    story.end(MONDAY)
    story.learn(cured(2, day(1)))
    story.end(day(1))
    story.learn(owes(3, day(30), dpd=3))
    raised = story.end(day(30))
    assert steps(raised) == [("sms", day(30))]
    assert story.customer.case_id == case_id("c-1", 2)
    contacts = [e.treatment.contact_id for e in story.raised if isinstance(e, Treated)]
    assert len(set(contacts)) == 2


def test_the_reason_of_a_closed_case_is_how_the_last_account_left_it() -> None:
    for through, state, reason in (
        ("repayment", "open", "cured"),
        ("reage", "open", "reage"),
        ("closure", "closed", "closed"),
    ):
        story = Story()
        story.learn(owes(1, MONDAY))
        story.end(MONDAY)
        story.learn(cured(2, day(1), through=through, state=state))
        (closed,) = story.end(day(1))
        assert isinstance(closed, Closed)
        assert closed.reason == reason


def test_an_older_status_never_replaces_a_newer_one() -> None:
    story = Story()
    story.learn(owes(1, MONDAY, dpd=3), cured(3, MONDAY), owes(2, MONDAY, dpd=3, arrears=77))
    assert story.customer.accounts["a-1"].version == 3
    assert story.end_days(0, 3) == []


def test_a_late_status_from_before_a_cure_that_was_the_first_thing_heard_opens_nothing() -> None:
    story = Story()
    story.learn(cured(9, MONDAY), owes(8, MONDAY))
    assert story.end_days(0, 3) == []


def test_accounts_that_never_were_delinquent_are_not_remembered() -> None:
    story = Story()
    story.learn(owes(1, MONDAY))
    story.end(MONDAY)
    current = status(4, day(1), account_id="a-9", arrears=0)
    story.learn(type(owes(1, MONDAY))(current))
    assert list(story.customer.accounts) == ["a-1"]
    assert story.customer.next_decision_on == day(2)


def test_a_hold_stops_everything_until_it_is_released() -> None:
    story = Story()
    story.learn(owes(1, MONDAY, dpd=3))
    story.end(MONDAY)
    raised = story.learn(dispute(day(1)), dispute(day(1)))
    assert [type(e).__name__ for e in raised] == ["HoldSet", "Withdrawn"]
    assert story.end_days(1, 30) == []
    story.learn(lifted(day(31)), lifted(day(31)))
    assert steps(story.end(day(31))) == [("email", day(31))]
    assert story.kinds().count("HoldGone") == 1


def test_a_hold_with_a_last_day_releases_itself_at_the_end_of_it() -> None:
    story = Story()
    story.learn(owes(1, MONDAY, dpd=3), dispute(MONDAY, until=day(4)))
    assert steps(story.end_days(0, 3)) == []
    raised = story.end(day(4))
    assert [type(e).__name__ for e in raised] == ["HoldGone", "Treated"]


def test_a_promise_stops_treatments_until_it_is_judged() -> None:
    story = Story()
    story.learn(owes(1, MONDAY, dpd=3))
    story.end(MONDAY)
    (withdrawn,) = story.learn(promised(day(1), day(5)))
    assert isinstance(withdrawn, Withdrawn)
    assert withdrawn.reason == "promise"
    assert steps(story.end_days(1, 6)) == []
    raised = story.end(day(7))
    assert [type(e).__name__ for e in raised] == ["Judged", "Treated"]


def test_contacts_keep_their_distance() -> None:
    story = Story(book(strategy(CALL, days_between_contacts=10)))
    story.learn(owes(1, MONDAY, dpd=25))
    (call,) = [e for e in story.end(MONDAY) if isinstance(e, Treated)]
    story.learn(contacted(call.treatment.contact_id, day(2)))
    # The gap counts from the call (day 2), not from the decision (day 0).
    assert steps(story.end_days(1, 20)) == [("call", day(12))]


def test_a_suppressed_contact_does_not_hold_up_the_next_one() -> None:
    story = Story(book(strategy(CALL, days_between_contacts=10)))
    story.learn(owes(1, MONDAY, dpd=25))
    (call,) = [e for e in story.end(MONDAY) if isinstance(e, Treated)]
    story.learn(contacted(call.treatment.contact_id, day(1), "suppressed", "no-endpoint"))
    assert steps(story.end_days(1, 20)) == [("call", day(7))]


def test_a_new_version_of_the_strategy_takes_over_and_says_so() -> None:
    story = Story()
    story.learn(owes(1, MONDAY))
    story.end(MONDAY)
    newer = strategy(CALL)
    story.book = book(type(newer)(newer.name, 2, newer.decide, newer.steps))
    raised = story.end(day(2))
    assert [type(e).__name__ for e in raised] == ["Assigned"]
    assert story.customer.case is not None
    assert story.customer.case.strategy_version == 2


def test_deciding_on_change_acts_with_each_fact() -> None:
    story = Story(book(strategy(decide="on_change")))
    assert [type(e).__name__ for e in story.learn(owes(1, MONDAY, dpd=3))] == ["Opened", "Assigned", "Treated"]
    assert [type(e).__name__ for e in story.learn(cured(2, MONDAY))] == ["Withdrawn", "Closed"]
    assert [type(e).__name__ for e in story.learn(owes(3, day(1), dpd=3))] == ["Opened", "Assigned", "Treated"]
    assert steps(story.end_days(1, 8)) == [("email", day(6))]
    assert set(story.customer.cases) == {1, 2}, "both cases of one batch are kept to be saved"
