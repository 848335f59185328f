"""An account's money from one day to the next, all its facts known: the same as `allocation` makes of each day from
nothing, without who met what.

Apart from the reference, which is written to be read: here a day costs what begins to count on it. Repayments are only
ever added. On a date when what is owed changes (an adjustment, a chargeback, a re-age) they are distributed anew.
"""

from bisect import bisect_right
from datetime import date
from itertools import accumulate
from typing import NamedTuple

from services.ingest.domain.allocation import Meeting, settle
from services.ingest.domain.facts import Repaid
from services.ingest.domain.known import Known, Obligation
from services.ingest.domain.ledger import NOTHING_PAID, Due, Key, Ledger
from services.ingest.domain.pauses import Ageing
from services.ingest.domain.policy import TEN_THOUSAND, Policy


class Arrears(NamedTuple):
    """What is overdue on a day, and the obligation that ages the account."""

    minor: int
    oldest: Ageing | None


class Walk:
    """The money of an account on the day it has come to."""

    __slots__ = (
        "_aside", "_carries", "_changes", "_changes_on", "_eligible_from", "_first", "_known", "_left", "_owed",
        "_paid", "_policy", "_poured", "_reages", "_spare_on", "_standing", "_surplus_minor",
    )  # fmt: skip

    def __init__(self, known: Known, policy: Policy) -> None:
        self._known = known
        self._policy = policy
        self._carries = policy.surplus == "carries_forward"
        self._standing = known.repayments(date.max)
        self._reages = known.reages(date.max)
        self._changes_on = sorted([*known.obligations_change_on, *self._reages])
        self._changes = -1
        """How many of these dates have been met; none yet, not even the beginning."""
        self._aside: dict[tuple[date, date, str], Meeting] = {}
        self._left = {r.repayment_id: r.amount_minor for r in self._standing} if self._reages else {}
        self._owed: list[Obligation] = []
        self._paid: list[int] = []
        self._eligible_from: list[date] = []
        self._first = 0
        """The first obligation with something unpaid."""
        self._poured = 0
        self._surplus_minor = 0
        self._spare_on: date | None = None

    def to(self, day: date) -> None:
        """Goes on to a day that is not before the present one."""
        changes = bisect_right(self._changes_on, day)
        if changes != self._changes:
            self._changes = changes
            self._begin_anew(day)
        begun = self._poured
        while self._poured < len(self._standing) and self._standing[self._poured].effective_on <= day:
            self._poured += 1
        counting = self._standing[begun : self._poured]
        if self._carries:
            self._carry(sum([self._left_of(r) for r in counting]))
        else:
            for repayment in counting:
                self._settle(self._left_of(repayment), repayment.effective_on)

    def arrears(self, day: date) -> Arrears:
        """What is overdue on the day it has come to, or later while nothing more has begun to count."""
        minor, tolerance = 0, self._policy.full_payment_tolerance_bp
        oldest: Obligation | None = None
        for n in range(self._first, len(self._owed)):
            owed = self._owed[n]
            if owed.due_on > day:
                break
            unpaid = owed.amount_minor - self._paid[n]
            if not unpaid or owed.overdue_from > day:
                continue
            minor += unpaid
            if (oldest is None or _sooner(owed, oldest)) and unpaid * TEN_THOUSAND > owed.amount_minor * tolerance:
                oldest = owed
        return Arrears(minor, oldest.ageing if oldest else None)

    def fill(self, ledger: Ledger, adjusted: set[str]) -> None:
        """Puts the day's money into a new ledger; `adjusted` names the bills about which an adjustment is known."""
        paid, owed = self._paid, self._owed
        for n in range(self._first, len(owed)):
            if paid[n] < owed[n].amount_minor:
                ledger.open.append(_due(owed[n], paid[n], owed[n].id in adjusted))
        last = next((n for n in range(len(paid) - 1, -1, -1) if paid[n]), None)
        ledger.paid_to = NOTHING_PAID if last is None else _key(owed[last])
        ledger.last_repaid_on = self._standing[self._poured - 1].effective_on.toordinal() if self._poured else 0
        ledger.surplus_minor = self._surplus_minor
        ledger.spare_on = self._spare_on.toordinal() if self._spare_on else 0

    def _begin_anew(self, day: date) -> None:
        while self._reages and self._reages[0] <= day:
            settle(self._known, self._policy, self._reages.pop(0), self._left, self._aside)
        owed = self._known.obligations(self._policy, day)
        self._owed = [o for o in owed if o.amount_minor and not (self._aside and o.key in self._aside)]
        self._paid = [0] * len(self._owed)
        if not self._carries:
            # By place, the first date whose money may meet the obligation there or a later one.
            self._eligible_from = list(accumulate((o.issued_on for o in reversed(self._owed)), min))[::-1]
        self._first = self._poured = self._surplus_minor = 0
        self._spare_on = None

    def _left_of(self, repayment: Repaid) -> int:
        return self._left[repayment.repayment_id] if self._left else repayment.amount_minor

    def _carry(self, left: int) -> None:
        """Money meets whatever is owed in its order, due or not; the rest is carried forward."""
        while left and self._first < len(self._owed):
            left -= self._take(self._first, left)
            if self._paid[self._first] == self._owed[self._first].amount_minor:
                self._first += 1
        self._surplus_minor += left

    def _settle(self, left: int, on: date) -> None:
        """Money meets only what was issued by its date; what is left over lowers the balance."""
        for n in range(self._first, len(self._owed)):
            if not left or self._eligible_from[n] > on:
                break
            if self._owed[n].issued_on <= on:
                left -= self._take(n, left)
        while self._first < len(self._owed) and self._paid[self._first] == self._owed[self._first].amount_minor:
            self._first += 1
        if left:
            self._spare_on = on

    def _take(self, n: int, left: int) -> int:
        taken = min(left, self._owed[n].amount_minor - self._paid[n])
        self._paid[n] += taken
        return taken


def _sooner(owed: Obligation, oldest: Obligation) -> bool:
    return (owed.due_on, owed.overdue_from) < (oldest.due_on, oldest.overdue_from)


def _key(owed: Obligation) -> Key:
    return owed.due_on.toordinal(), owed.issued_on.toordinal(), owed.id


def _due(owed: Obligation, paid_minor: int, adjusted: bool) -> Due:
    wait = (owed.overdue_from - owed.due_on).days
    return Due(*_key(owed), owed.amount_minor, paid_minor, wait, adjusted)
