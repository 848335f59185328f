"""A compact ledger made anew from all facts of an account: the way out when a fact reaches into the past.

Apart from the ledger, which never looks back, and from the assessment, which keeps nothing.
"""

from datetime import date

from services.ingest.domain.allocation import Allocation, Meeting, allocate
from services.ingest.domain.facts import (
    Adjusted,
    Billed,
    Cancelled,
    ChargedBack,
    Closed,
    Paused,
    Repaid,
    Resumed,
    Reversed,
    WrittenOff,
)
from services.ingest.domain.known import Known
from services.ingest.domain.ledger import NOTHING_PAID, Due, Key, Ledger
from services.ingest.domain.policy import Policy


def rebuilt(known: Known, policy: Policy, as_of: date) -> Ledger:
    """The ledger that all these facts come to on that day."""
    ledger, adjusted = Ledger(), {a.bill_id for a in known.of(Adjusted).values()}
    if policy.surplus == "carries_forward" and not known.reages(as_of):
        _poured(ledger, known, policy, as_of, adjusted)
    else:
        _money(ledger, allocate(known, policy, as_of), policy, adjusted)
    _exposure(ledger, known, as_of)
    _pauses(ledger, known)
    ledger.reaged_to = max((on.toordinal() for on in known.reages(as_of)), default=0)
    ledger.orphans = orphans(known)
    ledger.pending_on = min((on.toordinal() for on in known.effective_dates() if on > as_of), default=None)
    return ledger


def _poured(ledger: Ledger, known: Known, policy: Policy, as_of: date, adjusted: set[str]) -> None:
    """The same as by allocation, where only the sum of repayments says how far they reach."""
    repayments = known.repayments(as_of)
    left = sum([r.amount_minor for r in repayments])
    ledger.last_repaid_on = repayments[-1].effective_on.toordinal() if repayments else 0
    for owed in known.obligations(policy, as_of):
        paid = min(left, owed.amount_minor)
        left -= paid
        if paid < owed.amount_minor:
            due_on, issued_on, wait = (
                owed.due_on.toordinal(),
                owed.issued_on.toordinal(),
                owed.overdue_from - owed.due_on,
            )
            amounts = owed.amount_minor, paid
            ledger.open.append(Due(due_on, issued_on, owed.id, *amounts, wait.days, owed.id in adjusted))
        if paid:
            ledger.paid_to = owed.due_on.toordinal(), owed.issued_on.toordinal(), owed.id
    ledger.surplus_minor = left


def _money(ledger: Ledger, allocation: Allocation, policy: Policy, adjusted: set[str]) -> None:
    kept = [m for m in allocation.meetings if not m.reaged]
    ledger.open = [_due(m, m.obligation.id in adjusted) for m in kept if m.unpaid_minor > 0]
    ledger.paid_to = max((_key(m) for m in kept if m.paid_minor), default=NOTHING_PAID)
    dates = [(r.effective_on.toordinal(), allocation.left_minor[r.repayment_id]) for r in allocation.repayments]
    ledger.last_repaid_on = max((on for on, _ in dates), default=0)
    if policy.surplus == "carries_forward":
        ledger.surplus_minor = sum(left for _, left in dates)
    else:
        ledger.spare_on = max((on for on, left in dates if left), default=0)


def _key(meeting: Meeting) -> Key:
    due_on, issued_on, id_ = meeting.obligation.key
    return due_on.toordinal(), issued_on.toordinal(), id_


def _due(meeting: Meeting, adjusted: bool) -> Due:
    obligation = meeting.obligation
    wait = (obligation.overdue_from - obligation.due_on).days
    return Due(*_key(meeting), obligation.amount_minor, meeting.paid_minor, wait, adjusted)


def _exposure(ledger: Ledger, known: Known, as_of: date) -> None:
    ledger.exposure_minor = known.exposure_minor(as_of)
    balance = known.balance(as_of)
    if balance is not None:
        ledger.exposure_key = balance.effective_on.toordinal(), balance.balance_id
    written_off = [w.effective_on.toordinal() for w in known.of(WrittenOff).values() if w.effective_on <= as_of]
    closed = [c.effective_on.toordinal() for c in known.of(Closed).values() if c.effective_on <= as_of]
    ledger.written_off_on, ledger.closed_on = min(written_off, default=None), min(closed, default=None)


def _pauses(ledger: Ledger, known: Known) -> None:
    for id_, paused in known.of(Paused).items():
        until_on = paused.until_on.toordinal() if paused.until_on else None
        ledger.pause(id_, from_on=paused.from_on.toordinal(), until_on=until_on)
    for id_, resumed in known.of(Resumed).items():
        ledger.pause(id_, resumed_on=resumed.on.toordinal())


def orphans(known: Known) -> list[str]:
    """Names of bills and repayments that some fact is about and that have not arrived."""
    bills = {a.bill_id for a in known.of(Adjusted).values()} | set(known.of(Cancelled))
    repayments = {*known.of(Reversed), *known.of(ChargedBack)}
    return sorted((bills - set(known.of(Billed))) | (repayments - set(known.of(Repaid))))
