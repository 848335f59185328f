"""The slow reference: each day's money distributed from nothing, however often a day is asked for."""

from collections.abc import Iterable
from datetime import date

from services.ingest.domain.allocation import allocate
from services.ingest.domain.facts import Fact
from services.ingest.domain.figures import Money, Timeline
from services.ingest.domain.known import Known
from services.ingest.domain.policy import Policy
from services.ingest.domain.walk import Arrears


class FromNothing(Timeline):
    """A timeline nobody walks: what one day comes to never depends on another."""

    def __init__(self, known: Known, policy: Policy) -> None:
        self.known, self.policy = known, policy
        due = {o.overdue_from for o in known.obligations(policy, date.max)}
        self.starts = sorted(due | known.effective_dates)

    def on(self, day: date) -> Money:
        """By the definition, line by line."""
        overdue = [m for m in allocate(self.known, self.policy, day).meetings if m.overdue(day)]
        oldest = min((m.obligation.ageing for m in overdue if m.short(self.policy)), default=None)
        arrears = Arrears(sum(m.unpaid_minor for m in overdue), oldest)
        return Money(arrears, self.known.exposure_minor(day), self.known.state(day))


def from_nothing(facts: Iterable[Fact], policy: Policy) -> Known:
    """These facts, so that everything asked of them under the policy is worked out the slow way."""
    known = Known(facts)
    known.figured[id(policy)] = policy, FromNothing(known, policy)
    return known
