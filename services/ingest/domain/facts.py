"""What core banking reports about one account, as values: immutable, complete, identified by kind and business key.

Apart from the wire contracts, so that the rules are tested without them, and from the rules, so that a fact can be
stored and read again when nothing of the rules is loaded. Amounts are minor units of the account's currency.
`effective_on` says when a fact counts. A bill's is its issue date, but a bill never moves an account's as-of date.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from datetime import date
from typing import Any, ClassVar, Final, TypeAlias

Packed: TypeAlias = list[str | int | list[str] | None]


@dataclass(frozen=True, slots=True)
class Opened:
    """The account starts: whose it is and by which packs it is assessed."""

    kind: ClassVar[str] = "opened"
    key: ClassVar[str] = "opened"
    customer_id: str
    product: str
    currency: str
    policy: str
    classifications: tuple[str, ...]
    opened_on: date
    limit_minor: int | None = None
    principal_minor: int | None = None

    @property
    def effective_on(self) -> date:
        return self.opened_on


@dataclass(frozen=True, slots=True)
class Billed:
    """A new obligation."""

    kind: ClassVar[str] = "billed"
    bill_id: str
    bill_kind: str
    amount_minor: int
    issued_on: date
    due_on: date

    @property
    def key(self) -> str:
        return self.bill_id

    @property
    def effective_on(self) -> date:
        return self.issued_on


@dataclass(frozen=True, slots=True)
class Adjusted:
    """Replaces the bill's amount; among several the last (effective_on, adjustment_id) holds."""

    kind: ClassVar[str] = "adjusted"
    bill_id: str
    adjustment_id: str
    amount_minor: int
    effective_on: date

    @property
    def key(self) -> str:
        return self.adjustment_id


@dataclass(frozen=True, slots=True)
class Cancelled:
    """The bill was never owed."""

    kind: ClassVar[str] = "cancelled"
    bill_id: str
    effective_on: date

    @property
    def key(self) -> str:
        return self.bill_id


@dataclass(frozen=True, slots=True)
class Repaid:
    """Money in, counting from its value date."""

    kind: ClassVar[str] = "repaid"
    repayment_id: str
    amount_minor: int
    effective_on: date

    @property
    def key(self) -> str:
        return self.repayment_id


@dataclass(frozen=True, slots=True)
class Reversed:
    """That repayment never counted, whatever the reversal's own date."""

    kind: ClassVar[str] = "reversed"
    repayment_id: str
    effective_on: date

    @property
    def key(self) -> str:
        return self.repayment_id


@dataclass(frozen=True, slots=True)
class ChargedBack:
    """That money went back: a new obligation due on this date."""

    kind: ClassVar[str] = "charged_back"
    repayment_id: str
    effective_on: date

    @property
    def key(self) -> str:
        return self.repayment_id


@dataclass(frozen=True, slots=True)
class Balance:
    """Total exposure, as reported."""

    kind: ClassVar[str] = "balance"
    balance_id: str
    exposure_minor: int
    effective_on: date

    @property
    def key(self) -> str:
        return self.balance_id


@dataclass(frozen=True, slots=True)
class Paused:
    """Days in [from_on, until_on) do not age the account; open-ended without until_on."""

    kind: ClassVar[str] = "paused"
    pause_id: str
    from_on: date
    until_on: date | None = None

    @property
    def key(self) -> str:
        return self.pause_id

    @property
    def effective_on(self) -> date:
        return self.from_on


@dataclass(frozen=True, slots=True)
class Resumed:
    """The pause ends on this date, unless it had ended before: a resumption never lengthens a pause."""

    kind: ClassVar[str] = "resumed"
    pause_id: str
    on: date

    @property
    def key(self) -> str:
        return self.pause_id

    @property
    def effective_on(self) -> date:
        return self.on


@dataclass(frozen=True, slots=True)
class Reaged:
    """What is unpaid on that date of obligations due before it leaves arrears for good."""

    kind: ClassVar[str] = "reaged"
    reage_id: str
    effective_on: date

    @property
    def key(self) -> str:
        return self.reage_id


@dataclass(frozen=True, slots=True)
class ReageUndone:
    """The re-age of that id never counted."""

    kind: ClassVar[str] = "reage_undone"
    reage_id: str
    effective_on: date

    @property
    def key(self) -> str:
        return self.reage_id


@dataclass(frozen=True, slots=True)
class WrittenOff:
    """An accounting loss; ageing goes on."""

    kind: ClassVar[str] = "written_off"
    key: ClassVar[str] = "written_off"
    amount_minor: int
    effective_on: date


@dataclass(frozen=True, slots=True)
class Closed:
    """The account ended: zeros from that date."""

    kind: ClassVar[str] = "closed"
    key: ClassVar[str] = "closed"
    effective_on: date


Fact: TypeAlias = (
    Opened
    | Billed
    | Adjusted
    | Cancelled
    | Repaid
    | Reversed
    | ChargedBack
    | Balance
    | Paused
    | Resumed
    | Reaged
    | ReageUndone
    | WrittenOff
    | Closed
)

_KINDS: Final[dict[str, type[Any]]] = {cls.kind: cls for cls in Fact.__args__}
_FIELDS: Final = {kind: tuple(field.name for field in fields(cls)) for kind, cls in _KINDS.items()}
_DATES: Final = {
    kind: tuple(n for n, name in enumerate(names) if name == "on" or name.endswith("_on"))
    for kind, names in _FIELDS.items()
}
_CLASSIFICATIONS: Final = _FIELDS[Opened.kind].index("classifications")


def _read(kind: str, n: int) -> Callable[[Any], Any] | None:
    """How a field is made of its stored value; None where it is that value."""
    if n in _DATES[kind]:
        return date.fromisoformat
    return tuple if kind == Opened.kind and n == _CLASSIFICATIONS else None


_NEW: Final = object.__new__
_SHAPES: Final = {
    kind: (cls, tuple((getattr(cls, name).__set__, _read(kind, n)) for n, name in enumerate(_FIELDS[kind])))
    for kind, cls in _KINDS.items()
}
"""By kind: its class, and of each field what puts it there and how it is read."""


def pack(fact: Fact) -> Packed:
    """The fields in order as JSON-able values; dates as ISO text. The kind is stored beside them."""
    kind = fact.kind
    values: list[Any] = [getattr(fact, name) for name in _FIELDS[kind]]
    for n in _DATES[kind]:
        if values[n] is not None:
            values[n] = values[n].isoformat()
    if kind == Opened.kind:
        values[_CLASSIFICATIONS] = list(values[_CLASSIFICATIONS])
    return values


def unpack(kind: str, values: Sequence[Any]) -> Fact:
    """The fact that `pack` made these values of; KeyError for a kind nobody knows.

    Values of a time when the kind had fewer fields read with the defaults of the others.
    """
    cls, shape = _SHAPES[kind]
    if len(values) < len(shape):
        values = [*values, *[field.default for field in fields(cls)[len(values) :]]]
    # A frozen class's own __init__ finds each field by its name: twice the time, and a replay reads millions.
    fact: Fact = _NEW(cls)
    for (put, read), value in zip(shape, values):  # noqa: B905  as long as each other by now; saying so takes a tenth
        put(fact, value if read is None or value is None else read(value))
    return fact
