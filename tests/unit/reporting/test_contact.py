"""Merging what several topics say of one contact or promise."""

from datetime import date

from services.reporting.domain.contact import Contact, Promise, merged_contact, merged_promise

DAY, LATER = date(2026, 1, 20), date(2026, 1, 22)
PROMISE = Promise("p1", "c1", "EUR", 5_000, DAY, LATER)


def test_the_request_and_its_outcomes_add_up_in_either_order() -> None:
    request = Contact("x1", channel="sms", requested_on=DAY, arrears_minor=100)
    attempt = Contact("x1", channel="sms", attempted_on=LATER)
    both = Contact("x1", channel="sms", requested_on=DAY, arrears_minor=100, attempted_on=LATER)
    assert merged_contact(request, attempt) == merged_contact(attempt, request) == both


def test_the_first_date_of_a_stage_stays() -> None:
    first, again = Contact("x1", attempted_on=DAY), Contact("x1", attempted_on=LATER)
    assert merged_contact(first, again) == first


def test_a_later_promise_outcome_replaces_the_earlier() -> None:
    kept, broken = Contact("x1", promise_outcome="kept"), Contact("x1", promise_outcome="broken")
    assert merged_contact(kept, broken).promise_outcome == "broken"
    assert merged_contact(broken, Contact("x1")).promise_outcome == "broken"


def test_a_promise_keeps_its_contact_and_the_latest_verdict() -> None:
    made = PROMISE._replace(contact_id="x1")
    kept = PROMISE._replace(outcome="kept", judged_on=DAY, paid_minor=5_000)
    broken = PROMISE._replace(outcome="broken", judged_on=LATER, paid_minor=0)
    expected = broken._replace(contact_id="x1")
    for order in ((made, kept, broken), (broken, kept, made), (kept, broken, made), (kept, made, broken)):
        assert merged_promise(merged_promise(order[0], order[1]), order[2]) == expected


def test_among_verdicts_of_one_day_the_one_told_last_holds() -> None:
    kept = PROMISE._replace(outcome="kept", judged_on=DAY, paid_minor=5_000)
    broken = PROMISE._replace(outcome="broken", judged_on=DAY, paid_minor=0)
    assert merged_promise(kept, broken).outcome == "broken"
    assert merged_promise(broken, kept).outcome == "kept"
