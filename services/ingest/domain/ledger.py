"""The compact ledger: what of an account's facts can still matter, so that a fact costs the open obligations only.

Obligations that are met in full are forgotten but for the last of them that received money. What would need a
forgotten one, or would change how money was already distributed, raises HistoryNeeded; `rebuild` then makes the
ledger anew from the facts. Dates are ordinals here. `as_of` is the day up to which the ledger counts; a ledger
with post-dated facts (`pending_on`) takes none on without history.
"""

from bisect import insort
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from services.ingest.domain.known import State
from services.ingest.domain.pauses import FOREVER, Ageing, Pauses
from services.ingest.domain.policy import TEN_THOUSAND, Policy

Key = tuple[int, int, str]
"""Due date, issue date, id: the order in which obligations are met."""
NO_PAUSES: Final = Pauses()
NOTHING_PAID: Final[Key] = (0, 0, "")


class HistoryNeeded(Exception):  # noqa: N818  not a failure: the caller loads the account's facts and applies again
    """This fact cannot be folded into what is kept of the account; all its facts are needed."""


class Due:
    """An obligation with something unpaid."""

    __slots__ = ("adjusted", "amount_minor", "due_on", "id", "issued_on", "overdue_from", "paid_minor")

    def __init__(
        self, due_on: int, issued_on: int, id_: str, amount_minor: int, paid_minor: int, wait: int, adjusted: bool
    ) -> None:
        self.due_on = due_on
        self.issued_on = issued_on
        self.id = id_
        self.amount_minor = amount_minor
        self.paid_minor = paid_minor
        self.overdue_from = due_on + wait
        self.adjusted = adjusted
        """Adjusted before: a further adjustment may or may not be the last, which only history tells."""

    def key(self) -> Key:
        return self.due_on, self.issued_on, self.id

    def pack(self) -> list[Any]:
        flags = (self.overdue_from - self.due_on) + 2 * self.adjusted
        return [self.due_on, self.issued_on, self.id, self.amount_minor, self.paid_minor, flags]

    @classmethod
    def unpack(cls, values: Sequence[Any]) -> "Due":
        due_on, issued_on, id_, amount_minor, paid_minor, flags = values
        return cls(due_on, issued_on, id_, amount_minor, paid_minor, flags & 1, flags > 1)


class Sight(NamedTuple):
    """What a look at the open obligations on one day finds."""

    arrears_minor: int
    oldest: Ageing | None
    days: int
    falls_due_on: int | None
    """The next day on which another obligation becomes overdue."""


class Ledger:
    """One account's money, as far as it can still matter."""

    __slots__ = (
        "closed_on",
        "exposure_key",
        "exposure_minor",
        "last_repaid_on",
        "open",
        "orphans",
        "paid_to",
        "paused",
        "pauses",
        "pending_on",
        "reaged_to",
        "spare_on",
        "surplus_minor",
        "written_off_on",
    )

    def __init__(self) -> None:
        self.open: list[Due] = []
        """Obligations with something unpaid, in the order in which they are met."""
        self.paid_to: Key = NOTHING_PAID
        """The last obligation in that order to have received money, kept or forgotten."""
        self.surplus_minor = 0
        """What is carried forward; with it, nothing is open."""
        self.last_repaid_on = 0
        self.spare_on = 0
        """The last date of a repayment of which something was left over."""
        self.reaged_to = 0
        """What was due before this date was settled by a re-age."""
        self.exposure_minor = 0
        self.exposure_key: tuple[int, str] = (0, "")
        self.paused: dict[str, list[int | None]] = {}
        """By pause id: from, until, resumed on."""
        self.pauses = NO_PAUSES
        self.orphans: list[str] = []
        """Bills and repayments that a fact named before they arrived."""
        self.pending_on: int | None = None
        """The first date of a post-dated fact."""
        self.written_off_on: int | None = None
        self.closed_on: int | None = None

    def state(self, day: int) -> State:
        """Closed wins over written off."""
        if self.closed_on is not None and self.closed_on <= day:
            return "closed"
        return "written-off" if self.written_off_on is not None and self.written_off_on <= day else "open"

    def sight(self, policy: Policy, day: int) -> Sight:
        """Arrears, the obligation that ages the account, its days, and what falls due next."""
        if self.closed_on is not None and self.closed_on <= day:
            return Sight(0, None, 0, None)
        arrears, tolerance = 0, policy.full_payment_tolerance_bp
        oldest: Due | None = None
        upcoming: int | None = None
        for due in self.open:
            if due.overdue_from > day:
                if upcoming is None or due.overdue_from < upcoming:
                    upcoming = due.overdue_from
                elif due.due_on > upcoming:
                    break
                continue
            unpaid = due.amount_minor - due.paid_minor
            arrears += unpaid
            if (oldest is None or _older(due, oldest)) and unpaid * TEN_THOUSAND > due.amount_minor * tolerance:
                oldest = due
        if oldest is None:
            return Sight(arrears, None, 0, upcoming)
        ageing = Ageing(oldest.due_on, oldest.overdue_from)
        return Sight(arrears, ageing, max(0, self.pauses.age(ageing, day) - policy.grace_days), upcoming)

    def add(self, due: Due, carries_forward: bool) -> None:
        """Another obligation, met from the surplus first. HistoryNeeded if money has gone past its place."""
        key = due.key()
        if due.due_on < self.reaged_to or self._passed(key, due.issued_on, carries_forward):
            raise HistoryNeeded
        paid = min(self.surplus_minor, due.amount_minor)
        if paid:
            self.surplus_minor -= paid
            due.paid_minor = paid
            self.paid_to = key
        if paid < due.amount_minor:
            insort(self.open, due, key=Due.key)

    def _passed(self, key: Key, issued_on: int, carries_forward: bool) -> bool:
        if carries_forward:
            return self.paid_to > key
        return self.spare_on >= issued_on or (self.paid_to > key and self.last_repaid_on >= issued_on)

    def pour(self, amount_minor: int, effective_on: int, carries_forward: bool) -> None:
        """Distributes a repayment, oldest obligation first. HistoryNeeded if its turn has passed."""
        if (self.reaged_to and effective_on <= self.reaged_to) or (
            not carries_forward and effective_on < self.last_repaid_on
        ):
            raise HistoryNeeded
        self.last_repaid_on = max(self.last_repaid_on, effective_on)
        left, settled = amount_minor, False
        for due in self.open:
            if not left:
                break
            if carries_forward or due.issued_on <= effective_on:
                taken = min(left, due.amount_minor - due.paid_minor)
                due.paid_minor += taken
                left -= taken
                settled = settled or due.paid_minor == due.amount_minor
                self.paid_to = max(self.paid_to, due.key())
        if settled:
            self.open = [due for due in self.open if due.paid_minor < due.amount_minor]
        if left and carries_forward:
            self.surplus_minor += left
        elif left:
            self.spare_on = max(self.spare_on, effective_on)

    def open_bill(self, bill_id: str) -> Due:
        """The unpaid bill of that id; HistoryNeeded when there is none here."""
        for due in self.open:
            # A chargeback bears an id of its own making, which a bill may bear too: only history tells them apart.
            if due.id == bill_id and not bill_id.startswith("chargeback:"):
                return due
        raise HistoryNeeded

    def pause(self, pause_id: str, **bounds: int | None) -> None:
        """Learns the bounds of a pause that were not known yet."""
        known = self.paused.setdefault(pause_id, [None, None, None])
        for n, name in enumerate(("from_on", "until_on", "resumed_on")):
            known[n] = bounds.get(name, known[n])
        self.merge_pauses()

    def merge_pauses(self) -> None:
        """Pauses that have begun count to whichever end is first."""
        spans = []
        for begin, until, resumed in self.paused.values():
            if begin is not None:
                spans.append((begin, min(until or FOREVER, resumed or FOREVER)))
        self.pauses = Pauses(spans)

    def pack(self) -> list[Any]:
        """JSON-able and short: what has no value at the end is left out."""
        values: list[Any] = [
            [due.pack() for due in self.open],
            list(self.exposure_key),
            list(self.paid_to),
            self.exposure_minor,
            self.surplus_minor,
            self.last_repaid_on,
            self.spare_on,
            self.reaged_to,
            self.pending_on,
            self.written_off_on,
            self.closed_on,
            self.paused,
            self.orphans,
        ]
        while values and not values[-1]:
            values.pop()
        return values

    @classmethod
    def unpack(cls, values: Sequence[Any]) -> "Ledger":
        """The ledger that `pack` made these values of."""
        ledger = cls()
        for name, value in zip(_PACKED, values[3:], strict=False):
            setattr(ledger, name, value)
        ledger.open = [Due.unpack(due) for due in values[0]]
        on, balance_id = values[1]
        ledger.exposure_key = on, balance_id
        due_on, issued_on, id_ = values[2]
        ledger.paid_to = due_on, issued_on, id_
        if ledger.paused:
            ledger.merge_pauses()
        return ledger


_PACKED: Final = (
    "exposure_minor",
    "surplus_minor",
    "last_repaid_on",
    "spare_on",
    "reaged_to",
    "pending_on",
    "written_off_on",
    "closed_on",
    "paused",
    "orphans",
)


def _older(due: Due, other: Due) -> bool:
    return (due.due_on, due.overdue_from) < (other.due_on, other.overdue_from)
