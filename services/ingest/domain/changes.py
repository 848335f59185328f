"""What an account tells when it changes: which status events follow from two assessments, in which order.

Apart from the folding: it sees only the last published assessment and the new one, so that the same two say the same
whatever lay between. Money is told first (`repayment_applied`), then at most one of entered, rolled, cured; or
`arrears_changed`, where none of these tells the change.
"""

from collections.abc import Sequence
from datetime import date
from typing import Final, Literal, NamedTuple

from services.ingest.domain.assessment import Assessment
from services.ingest.domain.facts import (
    Adjusted,
    Balance,
    Billed,
    Cancelled,
    ChargedBack,
    Closed,
    Opened,
    Paused,
    Reaged,
    ReageUndone,
    Repaid,
    Resumed,
    Reversed,
    WrittenOff,
)

ChangeKind = Literal["entered", "rolled", "arrears_changed", "cured", "repayment_applied"]

REASONS: Final[dict[type[object], str]] = {
    Opened: "opening",
    Billed: "bill",
    Adjusted: "adjustment",
    Cancelled: "cancellation",
    Repaid: "repayment",
    Reversed: "reversal",
    ChargedBack: "chargeback",
    Balance: "balance",
    Paused: "pause",
    Resumed: "pause",
    Reaged: "reage",
    ReageUndone: "reage",
    WrittenOff: "write-off",
    Closed: "closure",
}
"""Why there is a new status, by the fact that made it; also what an account was cured through."""


class RepaymentEffect(NamedTuple):
    """What one repayment, reversal or chargeback did; amounts are signed, arrears that fell are positive."""

    id: str
    amount_minor: int
    applied_to_arrears_minor: int
    effective_on: date


class Told(NamedTuple):
    """One effect of money and the reason it is told by."""

    effect: RepaymentEffect
    reason: str


class StatusChange(NamedTuple):
    """One new version of an account's status."""

    kind: ChangeKind
    version: int
    assessment: Assessment
    previous_bucket: str
    cause: str
    reason: str
    through: str | None = None
    repayment: RepaymentEffect | None = None


def changes(
    version: int, last: Assessment, now: Assessment, cause: str, reason: str, through: str, money: Sequence[Told] = ()
) -> list[StatusChange]:
    """The changes to publish, numbered on from `version`; empty when nothing published differs."""
    told, bucket = [], last.bucket
    for effect, why in money:
        version += 1
        told.append(StatusChange("repayment_applied", version, now, bucket, cause, why, None, effect))
    kind = _move(last, now, bool(told))
    if kind is not None:
        how = through if kind == "cured" else None
        told.append(StatusChange(kind, version + 1, now, bucket, cause, reason, how))
    return told


def _move(last: Assessment, now: Assessment, told: bool) -> ChangeKind | None:
    if now.delinquent != last.delinquent:
        return "entered" if now.delinquent else "cured"
    if now.delinquent and now.bucket != last.bucket:
        return "rolled"
    return "arrears_changed" if not told and shown(now) != shown(last) else None


def shown(status: Assessment) -> tuple[object, ...]:
    """What is worth a new version when it changes, beside delinquency."""
    return (
        status.arrears_minor,
        status.exposure_minor,
        status.oldest_due_on,
        status.classifications,
        status.state,
        status.bucket,
    )
