"""Reads policy packs from YAML into the domain's rules; each complaint names the file and the place.

A pack may say how accounts age, how they are classified, or both. Ranges of days are written with both ends, so that
a gap or an overlap shows. `eu-default` is not among the shipped packs yet: it counts consecutive days and a probation.
"""

from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from services.ingest.domain.facts import Opened
from services.ingest.domain.policy import Band, Classification, Materiality, Policy, Rules, Scale
from shared.contracts.fields import Name
from shared.vocabulary.errors import Misconfigured, Rejected
from shared.vocabulary.money import minor_units

SHIPPED: Final = Path(__file__).parent / "packs"
Days = Annotated[int, Field(ge=0, le=36_500)]
ShareBp = Annotated[int, Field(ge=0, lt=10_000)]


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
            raise ValueError(f"{self.name}: `to` is before `from`")
        return self


Ranges = Annotated[list[Range], Field(min_length=1, max_length=100)]


class MaterialityDocument(_Document):
    """Arrears count as delinquent above both: an amount by currency, and a share of exposure."""

    absolute: dict[str, str] = Field(default_factory=dict)
    relative_bp: ShareBp = 0

    def materiality(self) -> Materiality:
        """ValueError for an amount that is none of its currency."""
        return Materiality(
            {currency: _amount(text, currency) for currency, text in self.absolute.items()}, self.relative_bp
        )

    @model_validator(mode="after")
    def _amounts(self) -> Self:
        self.materiality()
        return self


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
    """Labels by days past due; one of them may hold until all arrears are paid."""

    labels: Ranges
    held_until_arrears_are_paid: str | None = None

    @model_validator(mode="after")
    def _cover(self) -> Self:
        _scale(self.labels, "labels")
        if self.held_until_arrears_are_paid is not None and self.held_from is None:
            raise ValueError(f"held_until_arrears_are_paid: no label is called {self.held_until_arrears_are_paid}")
        return self

    @property
    def held_from(self) -> int | None:
        """The first day of the label that holds."""
        return next((r.from_ for r in self.labels if r.name == self.held_until_arrears_are_paid), None)


class PackDocument(_Document):
    """One pack as written."""

    name: Name
    version: Annotated[int, Field(ge=1, le=2**31 - 1)]
    about: str = ""
    cite: str = ""
    ageing: AgeingDocument | None = None
    classification: ClassificationDocument | None = None

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.ageing is None and self.classification is None:
            raise ValueError("expected `ageing`, `classification` or both")
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
        return Classification(self.name, self.version, _scale(written.labels, "labels"), written.held_from)


class Packs:
    """The packs in force, by name."""

    def __init__(self, documents: Sequence[PackDocument]) -> None:
        self._documents = sorted(documents, key=lambda d: d.name)
        self._policies = {d.name: policy for d in documents if (policy := d.policy()) is not None}
        self._classifications = {d.name: classes for d in documents if (classes := d.classes()) is not None}
        self._rules = lru_cache(maxsize=1024)(self._made)

    def __len__(self) -> int:
        return len(self._documents)

    def rules(self, policy: str, classifications: Sequence[str]) -> Rules:
        """What governs an account of these packs; Rejected('unknown_policy') when one is missing."""
        return self._rules(policy, tuple(classifications))

    def unknown(self, opened: Opened) -> str | None:
        """What is wrong with the names of packs an account opens under, if anything."""
        try:
            self.rules(opened.policy, opened.classifications)
        except Rejected as refusal:
            return refusal.detail
        return None

    def described(self) -> list[dict[str, Any]]:
        """The packs as written, by name."""
        return [d.model_dump(mode="json", by_alias=True, exclude_none=True) for d in self._documents]

    def _made(self, policy: str, classifications: tuple[str, ...]) -> Rules:
        ageing = self._policies.get(policy)
        if ageing is None:
            raise Rejected("unknown_policy", f"no pack called {policy[:64]!r} says how accounts age")
        for name in classifications:
            if name not in self._classifications:
                raise Rejected("unknown_policy", f"no pack called {name[:64]!r} says how accounts are classified")
        return Rules(ageing, tuple([self._classifications[name] for name in classifications]))


def load(folder: Path = SHIPPED) -> Packs:
    """All packs of a folder; Misconfigured names the file and the place of what is wrong."""
    files: dict[str, str] = {}
    documents = []
    for path in sorted(folder.glob("*.yaml")):
        document = _read(path)
        if document.name in files:
            raise Misconfigured(f"{path.name}: name: {files[document.name]} is called {document.name} too")
        files[document.name] = path.name
        documents.append(document)
    return Packs(documents)


def _read(path: Path) -> PackDocument:
    try:
        return PackDocument.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise Misconfigured(f"{path.name}: cannot be read: {error.strerror}") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise Misconfigured(f"{path.name}: not YAML: {' '.join(str(error).split())}") from None
    except ValidationError as error:
        raise Misconfigured("; ".join(f"{path.name}: {_complaint(e)}" for e in error.errors())) from None


def _complaint(error: Any) -> str:
    place = ".".join(str(part) for part in error["loc"])
    said = error["msg"].removeprefix("Value error, ")
    return f"{place}: {said}" if place else str(said)


def _scale(ranges: Sequence[Range], what: str) -> Scale:
    """ValueError names the two ranges that leave a gap or overlap, or the end that is missing."""
    if ranges[0].from_ != 0:
        raise ValueError(f"{what}.0.from: the first range begins at 0 days, {ranges[0].name} at {ranges[0].from_}")
    for n, (one, following) in enumerate(pairwise(ranges)):
        if one.to is None:
            raise ValueError(f"{what}.{n}.to: only the last range has no end, {one.name} is followed by another")
        if following.from_ != one.to + 1:
            fault = "a gap" if following.from_ > one.to else "an overlap"
            raise ValueError(f"{what}.{n + 1}.from: {one.name} ends at {one.to}, {following.name} leaves {fault}")
    if ranges[-1].to is not None:
        raise ValueError(f"{what}.{len(ranges) - 1}.to: the last range has no end, {ranges[-1].name} has one")
    if len({r.name for r in ranges}) < len(ranges):
        raise ValueError(f"{what}: two ranges have the same name")
    return Scale(tuple([Band(r.name, r.from_) for r in ranges]))


def _amount(text: str, currency: str) -> int:
    try:
        return minor_units(text, currency)
    except Rejected as refusal:
        raise ValueError(f"absolute.{currency}: {refusal.detail}") from None
