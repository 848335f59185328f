"""One treatment of a case and what became of the contact it asked for."""

from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any, Final, Literal

from services.strategy.domain.strategy import Channel

ContactState = Literal["requested", "withdrawn", "suppressed", "attempted", "failed", "delivered", "reached"]

_RANK: Final[dict[str, int]] = {
    "requested": 0, "withdrawn": 1, "suppressed": 2, "attempted": 3, "failed": 4, "delivered": 5, "reached": 6,
}  # fmt: skip
_REACHED_OUT: Final = frozenset({"attempted", "delivered", "reached"})


@dataclass(frozen=True, slots=True)
class Treatment:
    """A step taken: the rule and the inputs that led to it, and its contact's fate so far.

    `outcome` is contact's own word: how a call ended, why a message failed, which rule refused it. `rule` and
    `inputs` are for the record: no decision reads them, so they are empty where a treatment is loaded for one.
    """

    treatment_id: str
    customer_id: str
    case_id: str
    contact_id: str
    step: str
    sequence: int
    channel: Channel
    template: str
    decided_on: date
    expires_at: datetime
    strategy: str
    strategy_version: int
    state: ContactState = "requested"
    outcome: str | None = None
    attempted_on: date | None = None
    rule: str = ""
    inputs: dict[str, Any] = field(default_factory=dict)

    @property
    def outstanding(self) -> bool:
        """Asked for, and nothing has become of it yet."""
        return self.state == "requested"

    @property
    def contacted_on(self) -> date | None:
        """The day this counts as a contact for waits between contacts; None where nobody was contacted."""
        if self.state in _REACHED_OUT or self.outstanding:
            return self.attempted_on or self.decided_on
        return None

    def became(self, state: ContactState, outcome: str | None, on: date) -> "Treatment":
        """The treatment after news of its contact; news may come in any order, and the furthest state stands."""
        attempted_on = self.attempted_on or (on if state == "attempted" else None)
        if _RANK[state] < _RANK[self.state]:
            return replace(self, attempted_on=attempted_on)
        return replace(self, state=state, outcome=outcome or self.outcome, attempted_on=attempted_on)
