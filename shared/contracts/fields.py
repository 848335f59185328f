"""Field types the events share: bounded text, strict dates and instants, money as a decimal string.

Each type refuses what PostgreSQL or a reader could not hold (NUL characters, a megabyte of text, a time without
a zone) here, at the door, so that the reason names the field.
"""

from datetime import date
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from shared.vocabulary.errors import Rejected
from shared.vocabulary.money import decimal_text, decimals, minor_units

ID_LENGTH_MAX = 200
TEXT_LENGTH_MAX = 2_000


def _storable(text: str) -> str:
    if "\x00" in text:
        raise PydanticCustomError("nul_character", "text may not contain NUL characters")
    return text


def _known_currency(code: str) -> str:
    try:
        decimals(code)
    except Rejected as refusal:
        raise PydanticCustomError("unknown_currency", "{detail}", {"detail": refusal.detail}) from None
    return code


Id = Annotated[str, Field(min_length=1, max_length=ID_LENGTH_MAX), AfterValidator(_storable)]
Text = Annotated[str, Field(max_length=TEXT_LENGTH_MAX), AfterValidator(_storable)]
Name = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9][A-Za-z0-9._+<>-]*$")]
Date = Annotated[date, Field(ge=date(1900, 1, 1), le=date(2999, 12, 31))]
Instant = AwareDatetime
Currency = Annotated[str, Field(max_length=8), AfterValidator(_known_currency)]


class Contract(BaseModel):
    """Base of all wire models: immutable; unknown fields are kept out but tolerated (a newer sender may add some)."""

    model_config = ConfigDict(frozen=True, extra="ignore", strict=True)


class Amount(Contract):
    """Money on the wire: {"amount": "120.50", "currency": "EUR"}; may be negative where the field allows it."""

    amount: Annotated[
        str,
        Field(max_length=24, description="a plain decimal string with no more decimals than the currency has"),
    ]
    currency: Currency

    @model_validator(mode="after")
    def _exact(self) -> "Amount":
        try:
            minor_units(self.amount, self.currency)
        except Rejected as refusal:
            raise PydanticCustomError(refusal.reason, "{detail}", {"detail": refusal.detail}) from None
        return self

    @property
    def minor(self) -> int:
        """The amount in minor units of its currency."""
        return minor_units(self.amount, self.currency)

    @classmethod
    def of(cls, amount_minor: int, currency: str) -> "Amount":
        """The wire form of minor units."""
        return cls.model_construct(amount=decimal_text(amount_minor, currency), currency=currency)


def _not_negative(value: Amount) -> Amount:
    if value.amount.startswith("-") and value.minor != 0:
        raise PydanticCustomError("negative_amount", "the amount may not be negative")
    return value


AmountDue = Annotated[Amount, AfterValidator(_not_negative)]
"""An amount that may be zero but not negative."""
