"""Repayments kept for promises: what came in on an account, when it counts, and whether it was undone."""

from dataclasses import dataclass, replace
from datetime import date


@dataclass(frozen=True, slots=True)
class Repayment:
    """One repayment; its receipt and its undoing may arrive in either order, and each counts once."""

    customer_id: str
    account_id: str
    repayment_id: str
    currency: str
    amount_minor: int | None = None
    effective_on: date | None = None
    undone_minor: int = 0
    """What a reversal or a chargeback took back, zero or negative."""

    def with_movement(self, amount_minor: int, effective_on: date) -> "Repayment":
        """The same repayment after a receipt (positive) or its undoing (negative); a repeat changes nothing."""
        if amount_minor < 0:
            return replace(self, undone_minor=amount_minor)
        return replace(self, amount_minor=amount_minor, effective_on=effective_on)

    def net_between(self, first: date, last: date) -> int:
        """What remains of it, if its value date lies in [first, last]; money undone counts out on the same date."""
        if self.amount_minor is None or self.effective_on is None or not first <= self.effective_on <= last:
            return 0
        return self.amount_minor + self.undone_minor
