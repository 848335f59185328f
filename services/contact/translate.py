"""Wire contracts to the domain's values and back."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, Final

from services.contact.domain.calls import CallReport, Promised
from services.contact.domain.facts import Facts, Held, Owed, Profile, Statement, Withdrawal
from services.contact.domain.known import Endpoint, normal_endpoint
from services.contact.domain.request import OwedAccount, Request
from shared.contracts import banking, collections, delinquency, outcomes
from shared.contracts.fields import Amount
from shared.messaging import Received


def facts_of(batch: Iterable[Received]) -> Facts:
    """What a batch says, sorted by what it is about; of statuses only each account's newest is looked into."""
    facts = Facts()
    newest: dict[str, Any] = {}
    for received in batch:
        data = received.event.data
        read = _READ.get(type(data))
        if read is not None:
            read(facts, data)
        elif isinstance(data, delinquency.DelinquencyStatus):
            known = newest.get(data.account_id)
            if known is None or data.version > known.version:
                newest[data.account_id] = data
    facts.owed = {account_id: _owed(status) for account_id, status in newest.items()}
    return facts


def _owed(status: delinquency.DelinquencyStatus) -> Owed:
    arrears = status.arrears
    return Owed(status.account_id, status.customer_id, status.version, arrears.minor, arrears.currency)


def _customer(facts: Facts, data: banking.CustomerUpdated) -> None:
    endpoints = tuple(Endpoint(point.kind, point.value) for point in data.contact_points)
    facts.learn_profile(
        Profile(data.customer_id, data.revision, data.name, data.language, data.time_zone, data.region, endpoints)
    )


def _consent(facts: Facts, data: banking.ConsentGiven) -> None:
    given = not isinstance(data, banking.ConsentWithdrawn)
    endpoint = normal_endpoint(data.value) if data.value else ""
    facts.learn_statement(Statement(data.customer_id, data.channel, endpoint, given, data.effective_at))


def _requested(facts: Facts, data: collections.ContactRequested) -> None:
    accounts = tuple(OwedAccount(owed.account_id, owed.version) for owed in data.accounts)
    facts.requests.setdefault(
        data.contact_id,
        Request(
            data.contact_id, data.customer_id, data.case_id, data.channel, data.template, data.purpose, accounts,
            data.requested_at, data.expires_at, data.days_past_due, data.priority, data.treatment_id,
        ),
    )  # fmt: skip


def _withdrawn(facts: Facts, data: collections.ContactWithdrawn) -> None:
    facts.withdrawals.append(Withdrawal(data.contact_id, data.reason))


def _held(facts: Facts, data: collections.HoldPlaced) -> None:
    facts.learn_hold(Held(data.hold_id, data.customer_id, data.kind, data.until_on))


def _released(facts: Facts, data: collections.HoldReleased) -> None:
    facts.learn_hold(Held(data.hold_id, data.customer_id, data.kind, released=True))


def _settled(facts: Facts, data: collections.PromiseKept) -> None:
    facts.settled_promises.append(data.promise_id)
    facts.settled_of.add(data.customer_id)


def _closed(facts: Facts, data: collections.CaseClosed) -> None:
    facts.closed_cases.append(data.case_id)
    facts.settled_of.add(data.customer_id)


# What each event means here. Statuses are handled apart, being most of the traffic; what is not listed says
# nothing to contact (the case's opening, its strategy, placements, the aged portfolio).
_READ: Final[Mapping[type[Any], Callable[[Facts, Any], None]]] = {
    banking.CustomerUpdated: _customer,
    banking.ConsentGiven: _consent,
    banking.ConsentWithdrawn: _consent,
    collections.ContactRequested: _requested,
    collections.ContactWithdrawn: _withdrawn,
    collections.HoldPlaced: _held,
    collections.HoldReleased: _released,
    collections.PromiseKept: _settled,
    collections.PromiseBroken: _settled,
    collections.CaseClosed: _closed,
}


def attempted(row: Any, outcome: str = "sent") -> outcomes.ContactAttempted:
    """The event for an attempt (its row joined with its contact's) that was handed over or placed."""
    return outcomes.ContactAttempted(
        **_contact(row), attempt_id=row.attempt_id, at=row.at, outcome=outcome, template=row.template
    )


def delivered(row: Any, at: datetime) -> outcomes.ContactDelivered:
    """The event for an attempt that arrived."""
    return outcomes.ContactDelivered(**_contact(row), attempt_id=row.attempt_id, at=at)


def failed(contact: Any, at: datetime, reason: str, attempt_id: str | None) -> outcomes.ContactFailed:
    """The event for an attempt, or a contact that never became one, that did not reach anybody."""
    return outcomes.ContactFailed(**_contact(contact), attempt_id=attempt_id, at=at, reason=wire_name(reason))


def suppressed(contact: Any, at: datetime, rule: str, detail: str) -> outcomes.ContactSuppressed:
    """The event for a contact (anything with its ids and channel) that will not be made."""
    return outcomes.ContactSuppressed(**_contact(contact), at=at, rule=wire_name(rule), detail=detail)


def consent_changed(said: Statement) -> outcomes.ConsentChanged:
    """The event for a consent or opt-out of a whole channel."""
    return outcomes.ConsentChanged(
        customer_id=said.customer_id, channel=said.channel,  # type: ignore[arg-type]  # one of Channel: it came as such
        consent="given" if said.given else "withdrawn", effective_at=said.effective_at,
    )  # fmt: skip


def promise_made(
    promise_id: str, row: Any, contact_id: str, promised: Promised, made_at: datetime
) -> outcomes.PromiseMade:
    """The event for a promise."""
    return outcomes.PromiseMade(
        customer_id=row.customer_id, promise_id=promise_id, case_id=row.case_id, contact_id=contact_id,
        amount=Amount.of(promised.amount_minor, promised.currency), due_on=promised.due_on,
        promised_on=made_at.date(), made_at=made_at,
    )  # fmt: skip


def right_party(row: Any, at: datetime) -> outcomes.RightPartyReached:
    """The event for a call that reached the customer."""
    return outcomes.RightPartyReached(**_contact(row), attempt_id=row.attempt_id, at=at)


def disputed(dispute_id: str, row: Any, report: CallReport, at: datetime) -> outcomes.DisputeRaised:
    """The event for a dispute."""
    return outcomes.DisputeRaised(
        customer_id=row.customer_id, dispute_id=dispute_id, contact_id=row.contact_id,
        reason=report.dispute or "", raised_at=at,
    )  # fmt: skip


def complained(complaint_id: str, row: Any, report: CallReport, at: datetime) -> outcomes.ComplaintReceived:
    """The event for a complaint."""
    return outcomes.ComplaintReceived(
        customer_id=row.customer_id, complaint_id=complaint_id, contact_id=row.contact_id,
        reason=report.complaint or "", received_at=at,
    )  # fmt: skip


def _contact(contact: Any) -> dict[str, Any]:
    return {
        "customer_id": contact.customer_id, "contact_id": contact.contact_id, "case_id": contact.case_id,
        "channel": contact.channel,
    }  # fmt: skip


def wire_name(reason: str) -> str:
    """A reason as the contracts' Name: at most 64 of its characters, the first a letter or digit."""
    plain = "".join(mark if mark.isascii() and (mark.isalnum() or mark in "._+-") else "-" for mark in reason)
    return plain.lstrip("._+-")[:64] or "unspecified"
