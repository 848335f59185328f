"""How a bill is met: a pure decision from the person's temper, the season and the draws of that account's month."""

from enum import Enum
from typing import Final, NamedTuple

from deploy.local.portfolio.accounts import Account
from deploy.local.portfolio.chance import Draws, happens, within
from deploy.local.portfolio.people import Temper

SEASON: Final = (1.35, 1.1, 0.95, 0.85, 0.9, 0.95, 1.1, 1.2, 1.0, 0.9, 1.0, 1.3)
"""How much harder paying is in each month, January first: after and during the holidays of winter and summer."""


class Way(Enum):
    """What happens to one bill."""

    ON_TIME = "on time"
    LATE = "late"
    PARTIAL = "partial"
    DOUBLE = "double"
    RETURNED = "returned"
    CHARGED_BACK = "charged back"
    MISSED = "missed"


class Intent(NamedTuple):
    """`days` from the due date (on time: before it) to the money, or from the money to its return."""

    way: Way
    days: int = 0
    share: int = 100
    """Percent paid at first, of a partial repayment."""


_LATE: Final = {Temper.PUNCTUAL: 0.03, Temper.CARELESS: 0.24, Temper.STRAINED: 0.42, Temper.SINKING: 0.08}
_PARTIAL: Final = {Temper.PUNCTUAL: 0.002, Temper.CARELESS: 0.02, Temper.STRAINED: 0.10, Temper.SINKING: 0.02}
_MISSED: Final = {Temper.PUNCTUAL: 0.001, Temper.CARELESS: 0.008, Temper.STRAINED: 0.10, Temper.SINKING: 0.01}
_LATENESS: Final = ((0.42, 1, 4), (0.78, 5, 14), (1.0, 15, 27))
"""Cumulative share, fewest and most days late."""


def intent(account: Account, month: int, calendar_month: int, d: Draws) -> Intent:
    """What happens to the bill of that month (counted from the history's first); calendar_month is 1 to 12."""
    if sunk(account, month):
        return Intent(Way.MISSED)
    temper = account.customer.temper
    season = SEASON[calendar_month - 1]
    late = _LATE[temper] * season
    partial = late + _PARTIAL[temper] * season
    missed = partial + _MISSED[temper] * season
    if happens(d[0], late):
        return Intent(Way.LATE, _lateness(d))
    if happens(d[0], partial):
        return Intent(Way.PARTIAL, within(d[2], 3, 25), within(d[3], 20, 70))
    if happens(d[0], missed):
        return Intent(Way.MISSED)
    return _on_time(account, d)


def _on_time(account: Account, d: Draws) -> Intent:
    if happens(d[4], 0.006):
        return Intent(Way.DOUBLE, within(d[5], 0, 3))
    if happens(d[4], 0.018):
        return Intent(Way.RETURNED, within(d[5], 2, 6))
    if account.kind == "card" and happens(d[4], 0.021):
        return Intent(Way.CHARGED_BACK, within(d[5], 10, 30))
    return Intent(Way.ON_TIME, within(d[5], 0, 9) if d[5] % 3 else 0)


def _lateness(d: Draws) -> int:
    low, high = next((low, high) for share, low, high in _LATENESS if happens(d[1], share))
    return within(d[2], low, high)


def sinks_from(account: Account) -> int:
    """The first month a sinking customer stops paying this account; may lie before the history."""
    return max(account.opens_month + 1, within(account.fate[0], -5, 11))


def sunk(account: Account, month: int) -> bool:
    """Whether this is a sinking customer who has stopped paying by that month, and not yet recovered."""
    if account.customer.temper is not Temper.SINKING:
        return False
    start = sinks_from(account)
    return start <= month < start + down_for(account)


def recovers(account: Account, month: int) -> bool:
    """Whether this is the month in which a sinking customer starts to pay again."""
    return not sunk(account, month) and sunk(account, month - 1)


def down_for(account: Account) -> int:
    """Months a sinking customer stays down; those who never recover are written off before it ends."""
    low, high = (2, 7) if happens(account.fate[1], 0.55) else (60, 90)
    return within(account.fate[2], low, high)
