"""The ledger of one account laid open: each obligation with what met it, each repayment with what it met.

Apart from the assessment, which says only the sums: this is for people who ask why. Made from the same allocation.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Literal

from services.ingest.domain.allocation import Allocation, Meeting, allocate
from services.ingest.domain.facts import ChargedBack, Fact, Repaid, Reversed
from services.ingest.domain.known import Known
from services.ingest.domain.policy import Rules

Allocations = tuple[tuple[str, int], ...]
"""Pairs of id and amount."""


@dataclass(frozen=True, slots=True)
class ObligationLine:
    """One bill or chargeback on the day: what of it is paid by which repayments, and whether it is overdue."""

    id: str
    kind: str
    amount_minor: int
    issued_on: date
    due_on: date
    paid_minor: int
    unpaid_minor: int
    overdue: bool
    reaged: bool
    allocations: Allocations


@dataclass(frozen=True, slots=True)
class RepaymentLine:
    """One repayment: which obligations it met, and what is left of it. Only a counting one has either."""

    id: str
    amount_minor: int
    effective_on: date
    state: Literal["counted", "charged_back", "reversed", "post_dated"]
    unallocated_minor: int
    allocations: Allocations


@dataclass(frozen=True, slots=True)
class LedgerView:
    """The account's ledger as of a day, oldest first."""

    as_of: date
    obligations: tuple[ObligationLine, ...]
    repayments: tuple[RepaymentLine, ...]


def ledger_view(facts: Iterable[Fact] | Known, rules: Rules, as_of: date) -> LedgerView:
    """Obligations and repayments on that day, by the facts given. On a closed account nothing is overdue."""
    known = Known.by(facts)
    allocation = allocate(known, rules.policy, as_of)
    closed = known.state(as_of) == "closed"
    return LedgerView(
        as_of,
        tuple([_obligation(m, m.overdue(as_of) and not closed) for m in allocation.meetings]),
        tuple([_repayment(r, known, allocation, as_of) for r in _in_order(known)]),
    )


def _obligation(meeting: Meeting, overdue: bool) -> ObligationLine:
    owed = meeting.obligation
    return ObligationLine(
        owed.id,
        owed.kind,
        owed.amount_minor,
        owed.issued_on,
        owed.due_on,
        meeting.paid_minor,
        meeting.unpaid_minor,
        overdue,
        meeting.reaged,
        tuple(meeting.met_by),
    )


def _in_order(known: Known) -> list[Repaid]:
    return sorted(known.of(Repaid).values(), key=lambda r: (r.effective_on, r.repayment_id))


def _repayment(repaid: Repaid, known: Known, allocation: Allocation, as_of: date) -> RepaymentLine:
    id_ = repaid.repayment_id
    met = tuple([(m.obligation.id, amount) for m in allocation.meetings for by, amount in m.met_by if by == id_])
    left = allocation.left_minor.get(id_, 0)
    return RepaymentLine(id_, repaid.amount_minor, repaid.effective_on, _state(repaid, known, as_of), left, met)


def _state(repaid: Repaid, known: Known, as_of: date) -> Literal["counted", "charged_back", "reversed", "post_dated"]:
    if repaid.repayment_id in known.of(Reversed):
        return "reversed"
    if repaid.effective_on > as_of:
        return "post_dated"
    charged_back = known.of(ChargedBack).get(repaid.repayment_id)
    return "charged_back" if charged_back and charged_back.effective_on <= as_of else "counted"
