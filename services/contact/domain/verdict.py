"""What a rule says, and what the gate concludes from all of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from services.contact.domain.known import Endpoint

Input = str | int | bool | None


class Says(StrEnum):
    """One rule's answer."""

    YES = "yes"
    LATER = "later"
    """Not now, but at `until`."""
    AWAIT = "await"
    """Something is not known yet; ask again when more is known."""
    NO = "no"


@dataclass(frozen=True, slots=True)
class Verdict:
    """One rule's answer with the inputs it saw; `reason` is a stable word, empty for a plain yes."""

    rule: str
    says: Says
    reason: str
    inputs: Mapping[str, Input]
    until: datetime | None = None


class Conclusion(StrEnum):
    """What the gate decided."""

    ALLOWED = "allowed"
    DEFERRED = "deferred"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Decision:
    """The gate's conclusion with every rule's verdict.

    `rule` and `reason` name the first rule that stood in the way. A deferred decision says `until` when to ask again;
    where it is `awaiting` knowledge, that is the request's expiry, unless the knowledge comes sooner.
    """

    conclusion: Conclusion
    decided_at: datetime
    verdicts: tuple[Verdict, ...]
    rule: str | None = None
    reason: str | None = None
    until: datetime | None = None
    awaiting: bool = False
    endpoint: Endpoint | None = None
