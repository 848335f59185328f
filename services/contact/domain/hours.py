"""Lawful local hours: whether an instant lies in them, and the next instant that does.

An instant is judged by the wall clock it shows in a zone, so days with 23 or 25 hours need no case of their own.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

DAYS_AHEAD_MAX = 31
"""How far the next lawful hour is looked for: a month without one is no lawful hour."""


@dataclass(frozen=True, slots=True)
class Span:
    """Wall-clock hours of a day: `start` belongs to it, `end` does not; an end of None is midnight."""

    start: time
    end: time | None

    def holds(self, wall: time) -> bool:
        """Whether that wall-clock time is inside."""
        return wall >= self.start and (self.end is None or wall < self.end)


@dataclass(frozen=True, slots=True)
class Hours:
    """A week of lawful hours; a day that is missing or None is closed. `on_holiday` replaces the weekday's hours."""

    week: Mapping[int, Span | None]
    holidays: frozenset[date] = frozenset()
    yearly_holidays: frozenset[tuple[int, int]] = frozenset()
    on_holiday: Span | None = None

    def of(self, day: date) -> Span | None:
        """The lawful span of one calendar day."""
        if day in self.holidays or (day.month, day.day) in self.yearly_holidays:
            return self.on_holiday
        return self.week.get(day.weekday())

    def open_at(self, instant: datetime, zone: ZoneInfo) -> bool:
        """Whether the wall clock of that zone shows a lawful hour at the instant."""
        local = instant.astimezone(zone)
        span = self.of(local.date())
        return span is not None and span.holds(local.time())

    def next_open(self, instant: datetime, zone: ZoneInfo) -> datetime | None:
        """The first lawful instant at or after this one (UTC); None when a month brings none."""
        if self.open_at(instant, zone):
            return instant
        today = instant.astimezone(zone).date()
        for ahead in range(DAYS_AHEAD_MAX):
            opening = self._opening(today + timedelta(days=ahead), instant, zone)
            if opening is not None:
                return opening
        return None

    def _opening(self, day: date, after: datetime, zone: ZoneInfo) -> datetime | None:
        """When that day opens, if that is still ahead.

        An hour that comes twice opens twice (fold). A start inside an hour that the clock skips opens by the old
        offset: up to that hour late, never early.
        """
        span = self.of(day)
        if span is None:
            return None
        for fold in (0, 1):
            opening = datetime.combine(day, span.start, zone).replace(fold=fold).astimezone(UTC)
            if opening > after and self.open_at(opening, zone):
                return opening
        return None
