"""A policy pack as a lender writes it, and how it is read into the domain's rules; each complaint names the place.

Apart from `packs`, which knows the packs in force: a pack is the same wherever it comes from. A pack may say how
accounts age, how they are classified, or both. Ranges of days are written with both ends, so that a gap or an overlap
shows. What contradicts itself is refused too: a rule that could never do anything is a mistake.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Annotated, Any, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from services.ingest.domain.policy import Band, Classification, Materiality, Policy, Probation, Scale
from shared.contracts.fields import Name, Text
from shared.vocabulary.errors import Rejected
from shared.vocabulary.money import minor_units

Days = Annotated[int, Field(ge=0, le=36_500)]
Months = Annotated[int, Field(ge=1, le=120)]
ShareBp = Annotated[int, Field(ge=0, lt=10_000)]
PACK_RANGES_MAX: Final = 100
COMPLAINTS_MAX: Final = 10
PLACE_LENGTH_MAX: Final = 200


class Faulty(ValueError):  # noqa: N818  read in a raise: a fault and its place
    """What is wrong with a pack at a place inside the part that is being read."""

    def __init__(self, place: str, said: str) -> None:
        super().__init__(said)
        self.place = place


class _Document(BaseModel):
    """Base of all parts: an unknown word is an error, since it would be a rule that silently does nothing."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Range(_Document):
    """A name for so many to so many days, both included; the last range has no end."""

    name: Name
    from_: Days = Field(alias="from")
    to: Days | None = None

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.to is not None and self.to < self.from_:
            raise Faulty("to", f"{self.name}: `to` is before `from`")
        return self


Ranges = Annotated[list[Range], Field(min_length=1, max_length=PACK_RANGES_MAX)]


class MaterialityDocument(_Document):
    """Arrears count as delinquent above both: an amount by currency, and a share of exposure in basis points."""

    absolute: dict[str, str] = Field(default_factory=dict, max_length=200)
    relative_bp: ShareBp = 0
    consecutive_days: bool = Field(
        default=True, description="days count only from when arrears are above both without a break"
    )

    def materiality(self) -> Materiality:
        """The thresholds as the domain reads them."""
        amounts = {currency: _amount(text, currency) for currency, text in self.absolute.items()}
        return Materiality(amounts, self.relative_bp, self.consecutive_days)

    @model_validator(mode="after")
    def _amounts(self) -> Self:
        amounts = self.materiality().absolute_minor
        for currency, amount_minor in amounts.items():
            if amount_minor < 0:
                raise Faulty(f"absolute.{currency}", "the amount may not be negative")
        if not any(amounts.values()) and not self.relative_bp:
            raise Faulty("", "expected an amount or a share above 0: everything is material as it is")
        return self


class ProbationDocument(_Document):
    """A label that stays for months after the days that led to it have ended."""

    label: Name
    months: Months
    months_after_reage: Months | None = Field(
        default=None, description="from a re-age while the label holds: a distressed restructuring"
    )

    @model_validator(mode="after")
    def _no_sooner(self) -> Self:
        if self.months_after_reage is not None and self.months_after_reage < self.months:
            raise Faulty("months_after_reage", f"{self.months_after_reage} is less than `months`, {self.months}")
        return self

    def probation(self) -> Probation:
        """The terms as the domain reads them."""
        return Probation(self.months, self.months_after_reage or self.months)


class AgeingDocument(_Document):
    """How days and money are counted."""

    surplus: Literal["carries_forward", "settles_balance"]
    overdue: Literal["day_after", "due_day"]
    grace_days: Annotated[int, Field(ge=0, le=366)] = 0
    full_payment_tolerance_bp: ShareBp = 0
    materiality: MaterialityDocument | None = None
    buckets: Ranges

    @model_validator(mode="after")
    def _cover(self) -> Self:
        _scale(self.buckets, "buckets")
        return self


class ClassificationDocument(_Document):
    """Labels by days past due, or with `materiality` by the consecutive days on which arrears were above it.

    One label may hold until all arrears are paid, or through a probation.
    """

    labels: Ranges
    held_until_arrears_are_paid: str | None = None
    materiality: MaterialityDocument | None = None
    probation: ProbationDocument | None = None

    @model_validator(mode="after")
    def _cover(self) -> Self:
        _scale(self.labels, "labels")
        if self.probation is not None and self.held_until_arrears_are_paid is not None:
            raise Faulty("probation", "contradicts held_until_arrears_are_paid: a label is held in one way")
        if self.materiality is not None and not self.materiality.consecutive_days:
            raise Faulty("materiality.consecutive_days", "a classification with thresholds counts consecutive days")
        place, name = "held_until_arrears_are_paid", self.held_until_arrears_are_paid
        if self.probation is not None:
            place, name = "probation.label", self.probation.label
        if name is not None and self.held_from is None:
            raise Faulty(place, f"no label is called {name}")
        if self.held_from == 0:
            raise Faulty(place, f"{name} holds from 0 days on: it could never be left")
        return self

    @property
    def held_from(self) -> int | None:
        """The first day of the label that holds."""
        held = self.probation.label if self.probation else self.held_until_arrears_are_paid
        return next((r.from_ for r in self.labels if r.name == held), None)


class PackDocument(_Document):
    """One pack as written."""

    name: Name
    version: Annotated[int, Field(ge=1, le=2**31 - 1)]
    about: Text = ""
    cite: Text = Field(default="", description="where the rules stand, as an explanation quotes it")
    ageing: AgeingDocument | None = None
    classification: ClassificationDocument | None = None

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.ageing is None and self.classification is None:
            raise Faulty("", "expected `ageing`, `classification` or both")
        return self

    def policy(self) -> Policy | None:
        """The ageing part as the domain reads it."""
        written = self.ageing
        if written is None:
            return None
        return Policy(
            self.name,
            self.version,
            written.surplus,
            written.overdue,
            _scale(written.buckets, "buckets"),
            written.grace_days,
            written.full_payment_tolerance_bp,
            written.materiality.materiality() if written.materiality else None,
        )

    def classes(self) -> Classification | None:
        """The classification part as the domain reads it."""
        written = self.classification
        if written is None:
            return None
        return Classification(
            self.name,
            self.version,
            _scale(written.labels, "labels"),
            written.held_from,
            written.materiality.materiality() if written.materiality else None,
            written.probation.probation() if written.probation else None,
            self.cite,
        )


def read_pack(written: Any) -> PackDocument:
    """A pack from JSON-like values; Rejected('malformed_policy') names every place that is wrong."""
    try:
        return PackDocument.model_validate(written)
    except ValidationError as error:
        complaints = [_complaint(e) for e in error.errors()[:COMPLAINTS_MAX]]
        raise Rejected("malformed_policy", "; ".join(complaints)) from None


def _complaint(error: Any) -> str:
    fault = error.get("ctx", {}).get("error")
    path = [*(str(part) for part in error["loc"]), *([fault.place] if isinstance(fault, Faulty) else [])]
    said = str(fault) if isinstance(fault, Faulty) else error["msg"]
    place = ".".join(part for part in path if part)[:PLACE_LENGTH_MAX]
    return f"{place}: {said}" if place else said


def _scale(ranges: Sequence[Range], what: str) -> Scale:
    """Faulty names the two ranges that leave a gap or overlap, or the end that is missing."""
    if ranges[0].from_ != 0:
        raise Faulty(f"{what}.0.from", f"the first range begins at 0 days, {ranges[0].name} at {ranges[0].from_}")
    for n, (one, following) in enumerate(pairwise(ranges)):
        if one.to is None:
            raise Faulty(f"{what}.{n}.to", f"only the last range has no end, {one.name} is followed by another")
        if following.from_ != one.to + 1:
            fault = "a gap" if following.from_ > one.to else "an overlap"
            said = f"{one.name} ends at {one.to}, {following.name} begins at {following.from_} and leaves {fault}"
            raise Faulty(f"{what}.{n + 1}.from", said)
    if ranges[-1].to is not None:
        raise Faulty(f"{what}.{len(ranges) - 1}.to", f"the last range has no end, {ranges[-1].name} has one")
    names = [r.name for r in ranges]
    for n, name in enumerate(names):
        if name in names[:n]:
            raise Faulty(f"{what}.{n}.name", f"two ranges are called {name}")
    return Scale(tuple([Band(r.name, r.from_) for r in ranges]))


def _amount(text: str, currency: str) -> int:
    try:
        return minor_units(text, currency)
    except Rejected as refusal:
        raise Faulty(f"absolute.{currency[:3]}", refusal.detail) from None
