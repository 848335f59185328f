"""Days that do not age an account, and the arithmetic of age with them left out. Dates are ordinals here.

Apart because the reference assessment and the account's compact ledger both count days this way.
"""

from collections.abc import Iterable
from typing import Final, NamedTuple

FOREVER: Final = 10**7
"""An ordinal after every date: the end of a pause that has none."""


class Ageing(NamedTuple):
    """When an obligation is due and from which day on it is overdue."""

    due_on: int
    overdue_from: int


class Pauses:
    """Paused spans, merged: overlapping pauses exclude a day once."""

    __slots__ = ("spans",)

    def __init__(self, spans: Iterable[tuple[int, int]] = ()) -> None:
        """`spans` are [from, until) in any order; empty ones are nothing."""
        merged: list[tuple[int, int]] = []
        for start, end in sorted(span for span in spans if span[0] < span[1]):
            if merged and start <= merged[-1][1]:
                merged[-1] = (merged[-1][0], max(merged[-1][1], end))
            else:
                merged.append((start, end))
        self.spans = merged

    def days(self, start: int, end: int) -> int:
        """Paused days in [start, end)."""
        return sum([max(0, min(until, end) - max(begin, start)) for begin, until in self.spans])

    def age(self, since: Ageing, day: int) -> int:
        """Days overdue on `day`, the day it became overdue being 1, less the days paused since it was due."""
        age = day - since.overdue_from + 1
        return age - self.days(since.due_on, day) if self.spans else age

    def reaches_on(self, since: Ageing, age: int) -> int | None:
        """The first day on which the obligation is `age` days overdue; None when a pause without end forbids it."""
        day = since.overdue_from + age - 1
        while (missing := age - self.age(since, day)) > 0:
            if self.spans[-1][1] == FOREVER and self.spans[-1][0] <= day:
                return None
            day += missing
        return day
