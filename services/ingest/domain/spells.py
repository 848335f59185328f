"""What one day owes to the days before it: since when an account is delinquent, how far it got, what is counted.

Apart from the figures of a day (`figures`, `ledger`), so that the reference and the compact account carry it the same
way: over stretches of days in which no fact begins to count and nothing falls due, so that only age grows.
"""

from collections.abc import Iterator
from datetime import date
from typing import Final, NamedTuple

from services.ingest.domain import counters
from services.ingest.domain.counters import NOT_COUNTING, Counter, Span, consecutive_days
from services.ingest.domain.pauses import Ageing, Pauses
from services.ingest.domain.policy import Classification, Labels, Rules


class Spell(NamedTuple):
    """What a day owes to the days before it."""

    since: date | None = None
    """First day of the present run of delinquent days."""
    worst_days: int = 0
    """Most days past due since arrears were last zero."""
    counters: tuple[Counter, ...] = ()
    """One for each classification that counts by itself; none when none of them counts."""


NO_SPELL: Final = Spell()


class Stretch(NamedTuple):
    """Days `first` to `last`, and what the account's money looks like on `last`."""

    first: int
    last: int
    age: int
    """Days of the oldest obligation that ages the account, less grace."""
    oldest: Ageing | None
    arrears_minor: int
    exposure_minor: int
    closed: bool
    reaged: bool


class Course:
    """How an account under these rules goes from day to day."""

    __slots__ = ("currency", "pauses", "rules")

    def __init__(self, rules: Rules, currency: str, pauses: Pauses) -> None:
        self.rules = rules
        self.currency = currency
        self.pauses = pauses

    def after(self, before: Spell, over: Stretch) -> Spell:
        """The spell on the last of these days; `before` is that of the day before the first."""
        if over.closed:
            return NO_SPELL
        policy = self.rules.policy
        begun = self.begun(over)
        since = None
        if begun is not None and policy.material(over.arrears_minor, over.exposure_minor, self.currency):
            running = before.since is not None and begun <= over.first
            since = before.since if running else date.fromordinal(max(over.first, begun))
        days = self.days(over, since)
        worst = max(before.worst_days, days) if over.arrears_minor else 0
        counting = self._counters(before, over, begun, days) if self.rules.tracked else ()
        return Spell(since, worst, counting) if since or worst or counting else NO_SPELL

    def begun(self, over: Stretch) -> int | None:
        """The day on which the oldest obligation began to count, None if it does not on the last day."""
        if not over.age or over.oldest is None:
            return None
        return self.pauses.reaches_on(over.oldest, self.rules.policy.grace_days + 1)

    def days(self, over: Stretch, since: date | None) -> int:
        """Days past due: of the oldest obligation, or of those only the ones since arrears became material."""
        materiality = self.rules.policy.materiality
        if materiality is None or not materiality.consecutive_days:
            return over.age
        counted = consecutive_days(since.toordinal() if since else None, self.pauses, over.last)
        return min(over.age, counted)

    def names(self, over: Stretch, spell: Spell) -> tuple[str, Labels]:
        """Bucket and labels on the last of these days, the spell being that day's."""
        days = self.days(over, spell.since)
        bucket, labels = self.rules.names(days, spell.worst_days)
        if not self.rules.tracked:
            return bucket, labels
        counting = spell.counters or self._idle()
        own = {
            c.name: counters.label(c, counter, self.counted(c, counter.since, over.last, days))
            for c, counter in zip(self.rules.tracked, counting, strict=True)
        }
        return bucket, tuple([(name, own.get(name, label)) for name, label in labels])

    def changes_on(self, today: Stretch, spell: Spell, until: int | None) -> int | None:
        """The first day after today, and before `until`, with another bucket or label or delinquency."""
        shown = self._shown(today, spell)
        for day in sorted(set(self._candidates(today, spell))):
            if day > today.last and (until is None or day < until):
                over = self.onward(today, day)
                if self._shown(over, self.after(spell, over)) != shown:
                    return day
        return None

    def onward(self, today: Stretch, last: int) -> Stretch:
        """The days after today up to `last`, while only age grows."""
        age = today.age
        if today.oldest is not None:
            age = max(0, self.pauses.age(today.oldest, last) - self.rules.policy.grace_days)
        return today._replace(first=today.last + 1, last=last, age=age, reaged=False)

    def _counters(self, before: Spell, over: Stretch, begun: int | None, days: int) -> tuple[Counter, ...]:
        counting = before.counters or self._idle()
        after = tuple(
            [
                counters.advanced(by, counter, self._span(by, over, begun, days))
                for by, counter in zip(self.rules.tracked, counting, strict=True)
            ]
        )
        return () if all(counter == NOT_COUNTING for counter in after) else after

    def _span(self, by: Classification, over: Stretch, begun: int | None, days: int) -> Span:
        if by.materiality is not None:
            counts = by.materiality.passed(over.arrears_minor, over.exposure_minor, self.currency)
        else:
            counts = days > 0
        return Span(
            over.first,
            over.last,
            begun if counts else None,
            over.reaged,
            lambda since: self.counted(by, since, over.last, days),
        )

    def counted(self, by: Classification, since: int | None, day: int, days: int) -> int:
        """What a classification counts: its own run of days where it has thresholds of its own, else days past due."""
        return days if by.materiality is None else consecutive_days(since, self.pauses, day)

    def _idle(self) -> tuple[Counter, ...]:
        return (NOT_COUNTING,) * len(self.rules.tracked)

    def _shown(self, over: Stretch, spell: Spell) -> tuple[object, ...]:
        return self.names(over, spell), spell.since is not None

    def _candidates(self, today: Stretch, spell: Spell) -> Iterator[int]:
        """Every day on which one of these could change; some do not."""
        for by, counter in zip(self.rules.tracked, spell.counters, strict=False):
            leaves = counters.leaves_on(by, counter)
            if leaves is not None:
                yield leaves
        if today.oldest is None:
            return
        begins = self.pauses.reaches_on(today.oldest, self.rules.policy.grace_days + 1)
        if begins is None:
            return
        yield begins
        runs = {counter.since for counter in spell.counters} | {begins}
        runs.add(spell.since.toordinal() if spell.since else None)
        ages = [Ageing(since, since) for since in runs if since is not None]
        for bound in self.rules.bounds:
            reached = [self.pauses.reaches_on(age, bound) for age in ages]
            yield from (day for day in reached if day is not None)
