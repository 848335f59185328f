"""What will happen on an account on a later day, and the pure step from a bill and an intent to such actions."""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Literal, NamedTuple

from deploy.local.portfolio.accounts import Account
from deploy.local.portfolio.behaviour import Intent, Way
from deploy.local.portfolio.chance import Draws, happens, within

Kind = Literal[
    "adjust", "cancel", "charge back", "close", "debit, charged back", "debit, returned", "pause",
    "pay promised", "reage",
    "repay", "resume", "return", "settle", "transfer", "undo reage", "write off",
]  # fmt: skip


class Action(NamedTuple):
    """One thing to do. Comparable, so that a day's actions have one order however they came to be planned.

    repay: up to `minor` of what is owed; pay promised: all of `minor`; settle: all that is owed;
    transfer: `minor` for a bill that is not owed yet;
    the debits are transfers that come back after `days`. `ref` is the bill, repayment, pause or re-age it is about.
    """

    on: date
    slot: int
    kind: Kind
    ref: str = ""
    minor: int = 0
    days: int = 0


class Bill(NamedTuple):
    """A bill as issued."""

    id: str
    minor: int
    issued_on: date
    due_on: date


def payable(bill: Bill, d: Draws) -> int:
    """What the bill comes to after the corrections planned for it; 0 when it will be cancelled."""
    if happens(d[6], 0.0015):
        return 0
    if happens(d[6], 0.009):
        return bill.minor + (10_00 if d[7] % 3 else -min(bill.minor // 2, 15_00))
    return bill.minor


def corrections(account: Account, bill: Bill, minor: int) -> Iterator[Action]:
    """The correction of a bill's amount to `minor`, if there is one."""
    soon = bill.issued_on + timedelta(days=3)
    if minor == 0:
        yield Action(soon, account.slot, "cancel", bill.id)
    elif minor != bill.minor:
        yield Action(soon, account.slot, "adjust", bill.id, minor)


def repayments(account: Account, bill: Bill, minor: int, way: Intent, behind: bool, d: Draws) -> Iterator[Action]:
    """How the money for a bill comes. Whoever is behind pays the oldest debts first, with a plain repayment."""
    slot, due = account.slot, bill.due_on
    later = due + timedelta(days=way.days)
    early = due - timedelta(days=way.days)
    match way.way:
        case Way.ON_TIME:
            yield Action(early, slot, "repay" if behind else "transfer", bill.id, minor)
        case Way.DOUBLE:
            yield Action(early, slot, "transfer", bill.id, minor)
            yield Action(early + timedelta(days=1), slot, "transfer", bill.id, minor)
        case Way.RETURNED:
            yield Action(due, slot, "debit, returned", bill.id, minor, way.days)
        case Way.CHARGED_BACK:
            yield Action(due, slot, "debit, charged back", bill.id, minor, way.days)
        case Way.LATE:
            yield Action(later, slot, "repay", bill.id, minor)
        case Way.PARTIAL:
            first = minor * way.share // 100
            yield Action(due, slot, "repay", bill.id, first)
            yield Action(later, slot, "repay", bill.id, minor - first)
        case Way.MISSED:
            if happens(d[8], 0.8):
                yield Action(due + timedelta(days=within(d[9], 20, 55)), slot, "settle")
