"""The lender's calendar: business days are Monday to Friday."""

from collections.abc import Iterator
from datetime import date, timedelta

_TO_BUSINESS_DAY = (0, 0, 0, 0, 0, 2, 1)
BILLING_DAYS = 28
"""Accounts are billed on one of the days 1 to 28, which every month has."""


def business_day(day: date) -> date:
    """The day itself, or the Monday after a weekend."""
    return day + timedelta(days=_TO_BUSINESS_DAY[day.weekday()])


def business_days(first: date, last: date) -> Iterator[date]:
    """Every business day of [first, last]."""
    day = business_day(first)
    while day <= last:
        yield day
        day = business_day(day + timedelta(days=1))


def month_number(first: date, day: date) -> int:
    """Calendar months from `first` to `day`: 0 in the same month, negative before it."""
    return (day.year - first.year) * 12 + day.month - first.month


def day_of_month(first: date, months: int, day: int) -> date:
    """That day of the month `months` after `first`'s."""
    year, month = divmod(first.year * 12 + first.month - 1 + months, 12)
    return date(year, month + 1, day)


def last_day(first: date, months: int) -> date:
    """The end of a period of whole months that begins in `first`'s month."""
    return day_of_month(first, months, 1) - timedelta(days=1)
