"""The lender's own rough book of who is behind, so that debtors pay what they owe. Ingest keeps the exact one."""

from datetime import date
from typing import NamedTuple


class Due(NamedTuple):
    """One bill or returned repayment that is not met."""

    due_on: date
    minor: int


class Book:
    """What accounts owe that was not paid on time; an account that is fine is not in it, so it stays small."""

    def __init__(self) -> None:
        self._owed: dict[int, list[Due]] = {}

    def __contains__(self, slot: int) -> bool:
        return slot in self._owed

    def owe(self, slot: int, due_on: date, minor: int) -> None:
        """Note a debt."""
        self._owed.setdefault(slot, []).append(Due(due_on, minor))

    def pay(self, slot: int, minor: int) -> int:
        """Take money for the oldest debts first; how much of it was owed."""
        debts, left = sorted(self._owed.pop(slot, ())), minor
        while debts and left >= debts[0].minor:
            left -= debts.pop(0).minor
        if debts and left:
            debts[0], left = Due(debts[0].due_on, debts[0].minor - left), 0
        if debts:
            self._owed[slot] = debts
        return minor - left

    def owed(self, slot: int, before: date = date.max) -> int:
        """What is owed that fell due before that day."""
        return sum(due.minor for due in self._owed.get(slot, ()) if due.due_on < before)

    def late(self, day: date) -> int:
        """How many accounts owe something that fell due before that day."""
        return sum(any(due.due_on < day for due in debts) for debts in self._owed.values())

    def behind(self, slot: int) -> int:
        """How many debts are open."""
        return len(self._owed.get(slot, ()))

    def forget(self, slot: int) -> None:
        """The account owes nothing any more: paid, re-aged or closed."""
        self._owed.pop(slot, None)
