"""What a case says happened: the domain's side of every event strategy publishes."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from services.strategy.domain.case import Case
from services.strategy.domain.hold import Hold
from services.strategy.domain.promise import Promise
from services.strategy.domain.treatment import Treatment


@dataclass(frozen=True, slots=True)
class Owed:
    """One delinquent account at the time."""

    account_id: str
    arrears_minor: int
    currency: str
    days_past_due: int
    bucket: str
    version: int


@dataclass(frozen=True, slots=True)
class Opened:
    """A case begins, over these accounts."""

    case: Case
    owed: tuple[Owed, ...]


@dataclass(frozen=True, slots=True)
class Assigned:
    """The case is treated by a strategy version from here on."""

    case: Case


@dataclass(frozen=True, slots=True)
class Treated:
    """A step was decided, and a contact asked for."""

    treatment: Treatment
    owed: tuple[Owed, ...]
    arrears: Mapping[str, int]
    days_past_due: int
    priority: int


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """A contact asked for is no longer wanted."""

    treatment: Treatment
    reason: str


@dataclass(frozen=True, slots=True)
class Judged:
    """A promise is kept or broken, as its state says."""

    promise: Promise


@dataclass(frozen=True, slots=True)
class HoldSet:
    """Treating stops for a reason."""

    hold: Hold


@dataclass(frozen=True, slots=True)
class HoldGone:
    """That reason no longer stops treatments."""

    hold: Hold


@dataclass(frozen=True, slots=True)
class Closed:
    """Work on the case ended on this day for this reason."""

    case: Case
    on: date
    reason: str


Raised = Opened | Assigned | Treated | Withdrawn | Judged | HoldSet | HoldGone | Closed
