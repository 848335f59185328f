"""Field types the events share: bounded text, strict dates and instants, money as a decimal string.

Each type refuses what PostgreSQL or a reader could not hold (NUL characters, a megabyte of text, a time without
a zone, an unsafe integer) here, at the door, so that the reason names the field. The checks are patterns and bounds
that pydantic runs in native code: every event of every service passes through them.
"""

from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Annotated, Any, Final, NamedTuple, Self

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    WithJsonSchema,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from shared.vocabulary.errors import Rejected
from shared.vocabulary.money import decimal_text, decimals, minor_units

ID_LENGTH_MAX: Final = 200
TEXT_LENGTH_MAX: Final = 2_000
INTEGER_MAX: Final = 2**53 - 1
"""The largest integer that every JSON reader keeps exactly."""

_NO_NUL = r"^[^\x00]*$"


class _Written:
    """Refuses a date or an instant that is not written out: pydantic would read "1704067200" as a point in time."""

    def __init__(self, pattern: str, reason: str, expected: str) -> None:
        self._text = core_schema.custom_error_schema(
            core_schema.str_schema(pattern=pattern), custom_error_type=reason, custom_error_message=expected
        )

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        inner = handler(source)
        # After the first link of the chain the value counts as Python text, which strict dates refuse.
        lax: Any = {**inner, "strict": False}
        return core_schema.json_or_python_schema(core_schema.chain_schema([self._text, lax]), inner)

    def __get_pydantic_json_schema__(self, schema: Any, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return handler(schema["python_schema"])


Id = Annotated[str, Field(min_length=1, max_length=ID_LENGTH_MAX, pattern=_NO_NUL)]
Text = Annotated[str, Field(max_length=TEXT_LENGTH_MAX, pattern=_NO_NUL)]
Name = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9][A-Za-z0-9._+<>-]*$")]
Count = Annotated[int, Field(ge=0, le=2**31 - 1)]
"""A small whole number: days, priorities, shards, the version of a policy."""
Revision = Annotated[int, Field(ge=0, le=INTEGER_MAX)]
"""A number that only grows: the higher one wins."""
Date = Annotated[
    date,
    Field(ge=date(1900, 1, 1), le=date(2999, 12, 31)),
    _Written("^[0-9]{4}-[0-9]{2}-[0-9]{2}$", "malformed_date", "a date is written YYYY-MM-DD"),
]
Instant = Annotated[
    AwareDatetime,
    Field(ge=datetime(1900, 1, 1, tzinfo=UTC), lt=datetime(3000, 1, 1, tzinfo=UTC)),
    _Written("^[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ]", "malformed_time", "an instant is written YYYY-MM-DDThh:mm:ssZ"),
]


class Contract(BaseModel):
    """Base of all wire models: immutable; unknown fields are kept out but tolerated (a newer sender may add some)."""

    model_config = ConfigDict(frozen=True, extra="ignore", strict=True)


class Amount(NamedTuple):
    """Money: minor units here, {"amount": "120.50", "currency": "EUR"} on the wire; negative where the field allows."""

    minor: int
    currency: str

    @classmethod
    def of(cls, amount_minor: int, currency: str) -> Self:
        """That many minor units of a currency."""
        return cls(amount_minor, currency)

    @property
    def amount(self) -> str:
        """The wire's decimal string."""
        return decimal_text(self.minor, self.currency)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return _amount_schema(_read, core_schema.is_instance_schema(Amount))

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: Any, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return _amount_json("Amount", "-?")


class _NotNegative:
    """Narrows an Amount to what may be zero but not negative."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        amount = core_schema.is_instance_schema(Amount)
        return _amount_schema(_read_due, core_schema.no_info_after_validator_function(_due, amount))

    def __get_pydantic_json_schema__(self, schema: Any, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return _amount_json("AmountDue", "")


AmountDue = Annotated[Amount, _NotNegative()]
"""An amount that may be zero but not negative."""


def _amount_schema(read: Any, python: CoreSchema) -> CoreSchema:
    text = core_schema.typed_dict_field(core_schema.str_schema(max_length=24))
    wire = core_schema.typed_dict_schema({"amount": text, "currency": text})
    return core_schema.json_or_python_schema(
        core_schema.no_info_after_validator_function(read, wire),
        python,
        serialization=core_schema.plain_serializer_function_ser_schema(_write),
    )


def _amount_json(title: str, sign: str) -> JsonSchemaValue:
    amount = {
        "type": "string",
        "pattern": f"^{sign}[0-9]{{1,16}}(\\.[0-9]{{1,6}})?$",
        "description": "a plain decimal string with no more decimals than the currency has",
    }
    currency = {"type": "string", "pattern": "^[A-Z]{3}$", "description": "ISO 4217 code"}
    properties = {"amount": amount, "currency": currency}
    return {"type": "object", "title": title, "properties": properties, "required": ["amount", "currency"]}


def _read(wire: dict[str, str]) -> Amount:
    try:
        return _amount(wire["amount"], wire["currency"])
    except Rejected as refusal:
        raise PydanticCustomError(refusal.reason, "{detail}", {"detail": refusal.detail}) from None


@lru_cache(maxsize=8_192)
def _amount(amount: str, currency: str) -> Amount:
    """Bills of a month and arrears of nothing are the same amounts over and over."""
    return Amount(minor_units(amount, currency), currency)


def _read_due(wire: dict[str, str]) -> Amount:
    return _due(_read(wire))


def _due(amount: Amount) -> Amount:
    if amount.minor < 0:
        raise PydanticCustomError("negative_amount", "the amount may not be negative")
    return amount


def _write(amount: Amount) -> dict[str, str]:
    return {"amount": amount.amount, "currency": amount.currency}


def _known_currency(code: str) -> str:
    try:
        decimals(code)
    except Rejected as refusal:
        raise PydanticCustomError("unknown_currency", "{detail}", {"detail": refusal.detail}) from None
    return code


Currency = Annotated[
    str,
    AfterValidator(_known_currency),
    WithJsonSchema({"type": "string", "pattern": "^[A-Z]{3}$", "description": "ISO 4217 code"}),
]
