"""What goes wrong on the way: facts twice, out of order or late, and records nobody can read; all counted.

The counts are what the services have to arrive at: how many exact repetitions and how many dead letters of what reason.
"""

from collections import Counter
from datetime import date, timedelta
from random import Random
from typing import Final

from deploy.local.portfolio.days import business_day
from deploy.local.portfolio.malformed import KINDS, Malformed
from deploy.local.portfolio.writer import Record, Writer

TWICE: Final = 0.004
LATE: Final = 0.01
"""Share of repayments that core banking learns of some days after their value date."""
MALFORMED_EVERY: Final = 5
"""Business days from one malformed record to the next."""


class Noise:
    """Disturbs the records of each day, repeatably."""

    def __init__(self, seed: int, customers: int, end: date) -> None:
        self.repeated: Counter[str] = Counter()
        """Topic -> records published more than once, each repetition counted."""
        self.refused: Counter[tuple[str, str]] = Counter()
        """Topic and reason -> malformed records published."""
        self.malformed: set[bytes] = set()
        """Their values."""
        self._end = end
        self._held: dict[date, list[Record]] = {}
        self._maker = Malformed(seed, customers)
        self._fresh: Record | None = None
        self._days = 0

    def hold(self, until: date, record: Record) -> bool:
        """Publish a record on that business day instead of now; False when the history ends before it."""
        if until > self._end:
            return False
        self._held.setdefault(until, []).append(record)
        return True

    def disturbed(self, day: date, records: list[Record], rng: Random) -> list[Record]:
        """The records in another order, some of them held back, some twice or to be repeated later."""
        out = [r for r in records if r.topic != "banking.repayments" or not self._is_late(day, r, rng)]
        for record in rng.sample(out, int(len(out) * TWICE + rng.random())):
            later = business_day(day + timedelta(days=rng.randint(1, 6)))
            self.repeated[record.topic] += 1
            if rng.random() < 0.5 or not self.hold(later, record):
                out.append(record)
        rng.shuffle(out)
        self._fresh = next((r for r in out if b".RepaymentReceived.v1" in r.value), self._fresh)
        return out

    def due(self, day: date, writer: Writer, rng: Random) -> list[Record]:
        """What was held back until this day, and the malformed record of the day if it has one."""
        out = self._held.pop(day, [])
        self._days += 1
        if self._days % MALFORMED_EVERY == 0:
            kind = KINDS[(self._days // MALFORMED_EVERY - 1) % len(KINDS)]
            record = self._maker.record(kind, day, writer, rng)
            self.malformed.add(record.value)
            self.refused[record.topic, kind.reason] += 1
            out.append(record)
        self._maker.example = self._fresh
        return out

    def _is_late(self, day: date, record: Record, rng: Random) -> bool:
        if rng.random() >= LATE:
            return False
        return self.hold(business_day(day + timedelta(days=rng.randint(2, 7))), record)
