"""From which day each status of an account holds: the fold behind every snapshot of a closed day.

A closed day's figures are what was known when it closed. So a status counts from the first day that its ingest
shard has not closed yet, whatever date its facts carry; a correction shows from then on and changes no earlier day.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final, NamedTuple

BEFORE_THE_FIRST_CLOSE: Final = date(1900, 1, 1)
"""Where a status counts from when no day has been closed yet."""
STILL: Final = date.max
"""End of a period that still holds; the database's `infinity`."""


@dataclass(frozen=True, slots=True)
class Status:
    """One assessment of one account, money in minor units of `currency`."""

    account_id: str
    customer_id: str
    product: str
    currency: str
    version: int
    as_of: date
    days_past_due: int
    bucket: str
    state: str
    delinquent: bool
    arrears_minor: int
    exposure_minor: int
    source_shard: int | None = None

    @property
    def balance_minor(self) -> int:
        """B of the metrics: exposure, falling back to arrears where none is reported."""
        return self.exposure_minor or self.arrears_minor


class Standing(NamedTuple):
    """The latest version taken in of an account and the day it counts from."""

    version: int
    valid_from: date


class Period(NamedTuple):
    """A status and the days [valid_from, valid_to) it held at their close."""

    status: Status
    valid_from: date
    valid_to: date


class Book:
    """What one batch does to the accounts of one shard, event after event, however the batches are cut."""

    def __init__(
        self, aged: Mapping[int, date], standings: Mapping[str, Standing], complete: date | None = None
    ) -> None:
        self.aged = dict(aged)
        """Ingest shard -> the last business date it has closed on this partition."""
        self._complete = complete
        self._standings = dict(standings)
        self._held: dict[str, dict[date, Status]] = {}

    def close_day(self, source_shard: int, business_date: date) -> bool:
        """One ingest shard's part of the partition is aged to that date; False when that was known."""
        known = self.aged.get(source_shard)
        if known is not None and known >= business_date:
            return False
        self.aged[source_shard] = business_date
        return True

    def open_day(self, source_shard: int | None) -> date:
        """The first calendar day not closed yet for what that ingest shard says now.

        A shard that has closed nothing here (a new one, or a record without a sender) follows the complete days.
        """
        closed = self._complete if source_shard is None else self.aged.get(source_shard, self._complete)
        return BEFORE_THE_FIRST_CLOSE if closed is None else closed + timedelta(days=1)

    def take(self, status: Status) -> bool:
        """Take a status in; False when the account has this version or a higher one already."""
        known = self._standings.get(status.account_id)
        if known is not None and known.version >= status.version:
            return False
        day = self.open_day(status.source_shard)
        if known is not None:
            day = max(day, known.valid_from)
        self._standings[status.account_id] = Standing(status.version, day)
        self._held.setdefault(status.account_id, {})[day] = status
        return True

    def periods(self) -> Iterator[Period]:
        """The periods the batch begins or replaces, each account's in order of time."""
        for held in self._held.values():
            starts = list(held)
            for start, end in zip(starts, [*starts[1:], STILL], strict=True):
                yield Period(held[start], start, end)

    def openings(self) -> dict[str, date]:
        """Account -> start of its first new period: what held before ends there."""
        return {account_id: next(iter(held)) for account_id, held in self._held.items()}
