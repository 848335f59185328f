"""What moves an attempt, what a call report may say, what counts as an opt-out."""

from datetime import date, timedelta
from itertools import permutations

import pytest

from services.contact.domain.attempt import State, after_report
from services.contact.domain.calls import CallOutcome, CallReport, Promised, check_report
from services.contact.domain.optout import is_opt_out
from shared.vocabulary.errors import Rejected

TODAY = date(2026, 3, 10)
OWED = {"EUR": 12_050}


@pytest.mark.parametrize("reports", [(State.SENT, State.DELIVERED), (State.SENT, State.FAILED)])
def test_reports_in_any_order_end_the_same(reports: tuple[State, ...]) -> None:
    for order in permutations(reports * 2):
        state = State.PENDING
        for report in order:
            state = after_report(state, report)
        assert state is reports[-1]


@pytest.mark.parametrize("settled", [State.UNKNOWN, State.SENT, State.DELIVERED, State.FAILED, State.NOT_SENT])
def test_only_a_pending_attempt_becomes_unknown_or_unsent(settled: State) -> None:
    assert after_report(State.PENDING, State.UNKNOWN) is State.UNKNOWN
    assert after_report(settled, State.PENDING) is settled
    if settled is not State.UNKNOWN:
        assert after_report(settled, State.UNKNOWN) is settled
    if settled in (State.SENT, State.DELIVERED, State.FAILED):
        assert after_report(settled, State.NOT_SENT) is settled


def test_an_unknown_attempt_is_settled_by_the_provider() -> None:
    assert after_report(State.UNKNOWN, State.NOT_SENT) is State.NOT_SENT
    assert after_report(State.UNKNOWN, State.SENT) is State.SENT


def refusal(report: CallReport) -> str:
    with pytest.raises(Rejected) as caught:
        check_report(report, owed=OWED, today=TODAY)
    return caught.value.reason


@pytest.mark.parametrize("outcome", ["no_answer", "voicemail", "busy", "wrong_party"])
def test_who_was_not_spoken_to_says_nothing(outcome: str) -> None:
    for report in (
        CallReport(CallOutcome(outcome), promise=Promised(100, "EUR", TODAY)),
        CallReport(CallOutcome(outcome), dispute=""),
        CallReport(CallOutcome(outcome), opt_out=("sms",)),
    ):
        assert refusal(report) == "not_the_customer"


def test_who_refuses_does_not_promise() -> None:
    report = CallReport(CallOutcome.REFUSED, promise=Promised(100, "EUR", TODAY))
    assert refusal(report) == "contradicting_outcome"


@pytest.mark.parametrize(
    ("promise", "reason"),
    [
        (Promised(0, "EUR", TODAY), "empty_promise"),
        (Promised(100, "USD", TODAY), "promise_currency"),
        (Promised(100, "EUR", TODAY - timedelta(days=1)), "promise_date"),
        (Promised(100, "EUR", TODAY + timedelta(days=367)), "promise_date"),
    ],
)
def test_a_promise_must_make_sense(promise: Promised, reason: str) -> None:
    assert refusal(CallReport(CallOutcome.RIGHT_PARTY, promise=promise)) == reason


def test_a_promise_for_today_is_taken() -> None:
    check_report(CallReport(CallOutcome.RIGHT_PARTY, promise=Promised(1, "EUR", TODAY)), owed=OWED, today=TODAY)


@pytest.mark.parametrize("text", ["STOP", "stop!", " Stop please", "Unsubscribe", "opt-out", "please stop calling me"])
def test_reasonable_words_opt_out(text: str) -> None:
    assert is_opt_out(text)


@pytest.mark.parametrize("text", ["", "I will pay", "the bus stop is far", "👍"])
def test_other_words_do_not(text: str) -> None:
    assert not is_opt_out(text)
