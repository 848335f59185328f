"""What a collector may report of a call, and what does not go together."""

from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Final

from shared.vocabulary.errors import Rejected

PROMISE_DAYS_AHEAD_MAX: Final = 366


class CallOutcome(StrEnum):
    """How a call ended."""

    RIGHT_PARTY = "right_party"
    NO_ANSWER = "no_answer"
    VOICEMAIL = "voicemail"
    BUSY = "busy"
    WRONG_PARTY = "wrong_party"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Promised:
    """What the customer said they will pay, and by when."""

    amount_minor: int
    currency: str
    due_on: date


@dataclass(frozen=True, slots=True)
class CallReport:
    """A collector's report of one call."""

    outcome: CallOutcome
    promise: Promised | None = None
    dispute: str | None = None
    complaint: str | None = None
    opt_out: tuple[str, ...] = ()


def check_report(report: CallReport, *, owed: dict[str, int], today: date) -> None:
    """Rejected when the report contradicts itself or the books.

    Only the customer can promise, dispute or opt out (a stranger on the line cannot). A promise is in a currency in
    which something is owed, is above zero, and falls due within a year from today.
    """
    spoke = report.outcome in (CallOutcome.RIGHT_PARTY, CallOutcome.REFUSED)
    said = report.promise or report.dispute is not None or report.opt_out
    if said and not spoke:
        raise Rejected("not_the_customer", f"a call that ended as {report.outcome} brings no word of the customer")
    if report.promise is None:
        return
    if report.outcome is not CallOutcome.RIGHT_PARTY:
        raise Rejected("contradicting_outcome", "a promise comes with the outcome right_party")
    _check_promise(report.promise, owed, today)


def _check_promise(promise: Promised, owed: dict[str, int], today: date) -> None:
    if promise.amount_minor <= 0:
        raise Rejected("empty_promise", "a promised amount is above zero")
    if owed.get(promise.currency, 0) <= 0:
        raise Rejected("promise_currency", f"nothing is owed in {promise.currency}")
    if not today <= promise.due_on <= today + timedelta(days=PROMISE_DAYS_AHEAD_MAX):
        raise Rejected("promise_date", "a promise falls due between today and a year from today")
