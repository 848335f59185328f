"""A contact's way down the funnel and a promise's fate, merged from events of several topics in whatever order."""

from datetime import date
from typing import NamedTuple


class Contact(NamedTuple):
    """What is known of one contact; None is not known or not reached."""

    contact_id: str
    customer_id: str | None = None
    case_id: str | None = None
    channel: str | None = None
    template: str | None = None
    purpose: str | None = None
    currency: str | None = None
    arrears_minor: int | None = None
    days_past_due: int | None = None
    requested_on: date | None = None
    attempted_on: date | None = None
    delivered_on: date | None = None
    failed_on: date | None = None
    failure: str | None = None
    suppressed_on: date | None = None
    suppressed_rule: str | None = None
    right_party_on: date | None = None
    promised_on: date | None = None
    promise_outcome: str | None = None


class Promise(NamedTuple):
    """What is known of one promise; `outcome` is kept or broken once judged."""

    promise_id: str
    customer_id: str
    currency: str
    promised_minor: int
    promised_on: date
    due_on: date
    case_id: str | None = None
    contact_id: str | None = None
    outcome: str | None = None
    judged_on: date | None = None
    paid_minor: int | None = None


def merged_contact(known: Contact, later: Contact) -> Contact:
    """Both together: what is known stays, but the outcome of a promise is the later one."""
    both = Contact._make(b if a is None else a for a, b in zip(known, later, strict=True))
    return both if later.promise_outcome is None else both._replace(promise_outcome=later.promise_outcome)


def merged_promise(known: Promise, later: Promise) -> Promise:
    """Both together: the verdict with the later date holds, the later told among equals."""
    verdict = known if _judged_before(later, known) else later
    return known._replace(
        case_id=known.case_id or later.case_id,
        contact_id=known.contact_id or later.contact_id,
        outcome=verdict.outcome,
        judged_on=verdict.judged_on,
        paid_minor=verdict.paid_minor,
    )


def _judged_before(one: Promise, other: Promise) -> bool:
    if other.judged_on is None:
        return False
    return one.judged_on is None or one.judged_on < other.judged_on
