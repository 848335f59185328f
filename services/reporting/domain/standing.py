"""From which day each status of an account holds: the fold behind every snapshot of a closed day.

A closed day's figures are what was known when it closed. So a status counts from the first day that its ingest
shard has not closed yet, whatever date its facts carry; a correction shows from then on and changes no earlier day.
"""

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from itertools import pairwise
from typing import Final, Generic, NamedTuple, TypeVar

S = TypeVar("S")
"""A status, which the book carries but does not open."""

BEFORE_THE_FIRST_CLOSE: Final = date(1900, 1, 1)
"""Where a status counts from when no day has been closed yet."""


class Standing(NamedTuple):
    """The latest version taken in of an account and the day it counts from."""

    version: int
    valid_from: date


class Book(Generic[S]):
    """What one batch does to the accounts of one shard, event after event, however the batches are cut."""

    def __init__(
        self, aged: Mapping[int, date], standings: Mapping[str, Standing], complete: date | None = None
    ) -> None:
        self.aged = dict(aged)
        """Ingest shard -> the last business date it has closed on this partition."""
        self._complete = complete
        self._before = standings
        self._standings = dict(standings)
        self._held: dict[str, dict[date, S]] = {}

    def close_day(self, source_shard: int, business_date: date) -> bool:
        """One ingest shard's part of the partition is aged to that date; False when that was known."""
        known = self.aged.get(source_shard)
        if known is not None and known >= business_date:
            return False
        self.aged[source_shard] = business_date
        return True

    def is_aged(self, business_date: date, source_shards: int) -> bool:
        """Whether so many ingest shards have closed that day here: for that many in all, the partition is done."""
        return sum(day >= business_date for day in self.aged.values()) >= source_shards

    def open_day(self, source_shard: int | None) -> date:
        """The first calendar day not closed yet for what that ingest shard says now.

        A shard that has closed nothing here (a new one, or a record without a sender) follows the complete days.
        """
        closed = self._complete if source_shard is None else self.aged.get(source_shard, self._complete)
        return BEFORE_THE_FIRST_CLOSE if closed is None else closed + timedelta(days=1)

    def take(self, account_id: str, version: int, source_shard: int | None, status: S) -> bool:
        """Take a status in; False when the account has this version or a higher one already."""
        known = self._standings.get(account_id)
        if known is not None and known.version >= version:
            return False
        day = self.open_day(source_shard)
        if known is not None and known.valid_from > day:
            day = known.valid_from
        self._standings[account_id] = Standing(version, day)
        self._held.setdefault(account_id, {})[day] = status
        return True

    def present(self) -> Iterator[tuple[S, date]]:
        """(status, first day) of each account's latest."""
        for held in self._held.values():
            day, status = held.popitem()
            held[day] = status
            yield status, day

    def past(self) -> Iterator[tuple[S, date, date]]:
        """(status, first day, first day no longer) of what the batch both began and ended."""
        for held in self._held.values():
            if len(held) > 1:
                starts = list(held)
                for start, end in pairwise(starts):
                    yield held[start], start, end

    def ended(self) -> Iterator[tuple[str, date]]:
        """(account, first day no longer) of the statuses from before the batch that it ended."""
        for account_id, held in self._held.items():
            before, opening = self._before.get(account_id), next(iter(held))
            if before is not None and before.valid_from < opening:
                yield account_id, opening

    def entered(self) -> Iterator[tuple[S, date]]:
        """(first status, first day) of the accounts that had none before."""
        for account_id, held in self._held.items():
            if account_id not in self._before:
                day = next(iter(held))
                yield held[day], day
