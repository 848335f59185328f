"""What was done in a case so far, as a decision asks for it: put together once, read for each step."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Self

from services.strategy.domain.treatment import Treatment


@dataclass(frozen=True, slots=True)
class StepDone:
    """How often a step was taken, and the last time."""

    times: int
    last: Treatment


@dataclass(frozen=True, slots=True)
class History:
    """The treatments of one case. `awaited_until`: by channel, the last day an open request may be carried out on."""

    treatments: int = 0
    steps: dict[str, StepDone] = field(default_factory=dict)
    last: Treatment | None = None
    last_contact_on: date | None = None
    """The latest day somebody was contacted, or is about to be."""
    awaited_until: dict[str, date] = field(default_factory=dict)

    @classmethod
    def of(cls, treatments: Iterable[Treatment]) -> Self:
        """From treatments, oldest first."""
        steps: dict[str, StepDone] = {}
        awaited: dict[str, date] = {}
        last, contacted_on, count = None, None, 0
        for last in treatments:
            count += 1
            before = steps.get(last.step)
            steps[last.step] = StepDone(before.times + 1 if before else 1, last)
            on = last.contacted_on
            if on is not None and (contacted_on is None or on > contacted_on):
                contacted_on = on
            if last.outstanding:
                awaited[last.channel] = max(_last_day(last), awaited.get(last.channel, date.min))
        return cls(count, steps, last, contacted_on, awaited)

    def times(self, step: str) -> int:
        """How often the case took the step."""
        done = self.steps.get(step)
        return done.times if done else 0

    def free_from(self, channel: str, days_since_step: int, days_since_contact: int) -> int:
        """The day, as an ordinal, on which the last of the general waits ends: after a step, a contact, a request."""
        day = 0
        if self.last is not None:
            # One treatment a day at most, whatever the rules say.
            day = self.last.decided_on.toordinal() + max(1, days_since_step)
        if self.last_contact_on is not None and days_since_contact:
            day = max(day, self.last_contact_on.toordinal() + days_since_contact)
        if channel in self.awaited_until:
            day = max(day, self.awaited_until[channel].toordinal() + 1)
        return day


def _last_day(treatment: Treatment) -> date:
    """At its expiry it is worthless already."""
    return (treatment.expires_at - timedelta(microseconds=1)).date()
