"""Which repayment meets which obligation (DOMAIN: Allocation), with re-ages taken in their turn.

Apart from what counts (`known`) and from what is made of it (`assessment`): here one day's money is distributed from
nothing and each amount has a name, for whoever asks why. Money is neither made nor lost in it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import accumulate

from services.ingest.domain.known import Known, Obligation
from services.ingest.domain.policy import TEN_THOUSAND, Policy


@dataclass(slots=True)
class Meeting:
    """One obligation and the repayments that met it, in order."""

    obligation: Obligation
    met_by: list[tuple[str, int]] = field(default_factory=list)
    paid_minor: int = 0
    reaged: bool = False
    """Its unpaid rest left arrears for good and takes no later repayment."""

    @property
    def unpaid_minor(self) -> int:
        return self.obligation.amount_minor - self.paid_minor

    def overdue(self, as_of: date) -> bool:
        """Whether something of it is in arrears that day."""
        return self.unpaid_minor > 0 and not self.reaged and self.obligation.overdue_from <= as_of

    def short(self, policy: Policy) -> bool:
        """Whether more is missing than the policy counts as paid in full: only then does it age the account."""
        return self.unpaid_minor * TEN_THOUSAND > self.obligation.amount_minor * policy.full_payment_tolerance_bp

    def take(self, repayment_id: str, amount_minor: int) -> int:
        """Accepts up to what is unpaid; what was taken."""
        taken = min(amount_minor, self.unpaid_minor)
        if taken > 0:
            self.met_by.append((repayment_id, taken))
            self.paid_minor += taken
        return taken


@dataclass(slots=True)
class Allocation:
    """Every obligation, oldest first, and what each counting repayment had left over."""

    meetings: list[Meeting]
    left_minor: dict[str, int]


def allocate(known: Known, policy: Policy, as_of: date) -> Allocation:
    """All money that counts by that day against all that is owed, a re-age settling the past up to its date first."""
    left = {r.repayment_id: r.amount_minor for r in known.repayments(as_of)}
    aside: dict[tuple[date, date, str], Meeting] = {}
    for reaged_on in known.reages(as_of):
        settle(known, policy, reaged_on, left, aside)
    meetings = _meet(known, policy, as_of, left, aside)
    everything = sorted([*meetings, *aside.values()], key=lambda m: m.obligation.key) if aside else meetings
    return Allocation(everything, left)


def settle(
    known: Known, policy: Policy, reaged_on: date, left: dict[str, int], aside: dict[tuple[date, date, str], Meeting]
) -> None:
    """Takes what is unpaid and was due before a re-age out of the ledger, `aside`, with the money it had received.

    Earlier re-ages come first. `left` is what they left of each repayment, whether it counts by then or later.
    """
    for meeting in _meet(known, policy, reaged_on, dict(left), aside):
        if meeting.unpaid_minor > 0 and meeting.obligation.due_on < reaged_on:
            meeting.reaged = True
            aside[meeting.obligation.key] = meeting
            for repayment_id, amount_minor in meeting.met_by:
                left[repayment_id] -= amount_minor


def _meet(
    known: Known, policy: Policy, as_of: date, left: dict[str, int], aside: dict[tuple[date, date, str], Meeting]
) -> list[Meeting]:
    """Meets obligations with what is `left` of each repayment, and lowers it."""
    owed = known.obligations(policy, as_of)
    meetings = [Meeting(o) for o in owed if o.key not in aside] if aside else list(map(Meeting, owed))
    eligible_from = _eligible_from(meetings, policy)
    first = 0
    for repayment in known.repayments(as_of):
        id_, on = repayment.repayment_id, repayment.effective_on
        while first < len(meetings) and not meetings[first].unpaid_minor:
            first += 1
        for n in range(first, len(meetings)):
            if not left[id_] or eligible_from[n] > on:
                break
            if policy.surplus == "carries_forward" or meetings[n].obligation.issued_on <= on:
                left[id_] -= meetings[n].take(id_, left[id_])
    return meetings


def _eligible_from(meetings: Sequence[Meeting], policy: Policy) -> list[date]:
    """By place, the first date whose money may meet the obligation there or a later one.

    A card's surplus prepays nothing: its repayment counts only against bills issued by then.
    """
    if policy.surplus == "carries_forward":
        return [date.min] * len(meetings)
    return list(accumulate((m.obligation.issued_on for m in reversed(meetings)), min))[::-1]
