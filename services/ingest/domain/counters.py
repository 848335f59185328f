"""The days a classification counts by itself, and the probation that keeps its label after they end.

Apart from days past due: a regulator may count the days on which arrears were material, one after the other, whatever
became of the oldest obligation meanwhile (EBA/GL/2016/07, 16 to 23), and may let nobody out before a probation
has passed (71 to 75). Days are ordinals here.
"""

from calendar import monthrange
from collections.abc import Callable
from datetime import date
from typing import Final, NamedTuple

from services.ingest.domain.pauses import Ageing, Pauses
from services.ingest.domain.policy import Classification, Probation


class Counter(NamedTuple):
    """What a day owes, for one classification, to the days before it."""

    since: int | None = None
    """First day of the present run of days that count."""
    held: bool = False
    """The label that probation holds was reached and has not been left."""
    quiet_since: int | None = None
    """While held: first day of the present run of days that do not count."""
    reaged_on: int | None = None
    """The last re-age while held."""


NOT_COUNTING: Final = Counter()


class Span(NamedTuple):
    """Days `first` to `last` between which nothing but age changes, as one classification sees them."""

    first: int
    last: int
    begun: int | None
    """The day from which on they count; None when `last` does not count."""
    reaged: bool
    """A re-age counts from `first` on."""
    days: Callable[[int | None], int]
    """The days counted on `last`, by the first day of their run."""


def advanced(by: Classification, before: Counter, over: Span) -> Counter:
    """The counter after these days; `before` is that of the day before them."""
    reaged_on = before.reaged_on
    if before.held and over.reaged:
        reaged_on = over.first
    if over.begun is None:
        return _quieted(by, before._replace(reaged_on=reaged_on), over.first, over.last)
    running = before.since is not None and over.begun <= over.first
    since = before.since if running else max(over.first, over.begun)
    held = before._replace(reaged_on=reaged_on)
    if not running and since is not None:
        held = _quieted(by, held, over.first, since - 1)
    reached = by.held_from is not None and by.probation is not None and over.days(since) >= by.held_from
    return Counter(since, held.held or reached, None, held.reaged_on if held.held else None)


def _quieted(by: Classification, before: Counter, first: int, last: int) -> Counter:
    """After days that do not count: on probation, or out of it."""
    if not before.held:
        return NOT_COUNTING
    quiet_since = before.quiet_since or first
    on_probation = Counter(None, True, quiet_since, before.reaged_on)
    released_on = leaves_on(by, on_probation)
    return NOT_COUNTING if released_on is not None and released_on <= last else on_probation


def leaves_on(by: Classification, counter: Counter) -> int | None:
    """The first day without the held label if nothing counts until then; None when nothing is on probation."""
    if by.probation is None or counter.quiet_since is None:
        return None
    return _end(by.probation, counter.quiet_since, counter.reaged_on)


def _end(probation: Probation, quiet_since: int, reaged_on: int | None) -> int:
    ends = months_after(quiet_since, probation.months)
    return ends if reaged_on is None else max(ends, months_after(reaged_on, probation.months_after_reage))


def months_after(day: int, months: int) -> int:
    """The same day so many months later, or the last of a month that is too short."""
    start = date.fromordinal(day)
    year, month = divmod(start.year * 12 + start.month - 1 + months, 12)
    if year > date.max.year:
        return date.max.toordinal()
    return date(year, month + 1, min(start.day, monthrange(year, month + 1)[1])).toordinal()


def consecutive_days(since: int | None, pauses: Pauses, day: int) -> int:
    """Days of the run on `day`, its first day being 1, less the paused ones."""
    return 0 if since is None else pauses.age(Ageing(since, since), day)


def label(by: Classification, counter: Counter, days: int) -> str:
    """The label at so many counted days."""
    return by.labels.name_of(max(days, by.held_from or 0) if counter.held else days)
