"""Days and instants as an address asks for them: written out, within what any store holds.

A bare number would be read as seconds since 1970: 20240301, meant as a day of March 2024, as one of August 1970.
"""

import re
from datetime import UTC, date, datetime
from typing import Annotated, Any, Final

from pydantic import AwareDatetime, BeforeValidator, Field
from pydantic_core import PydanticCustomError

FIRST_DAY, LAST_DAY = date(1900, 1, 1), date(2999, 12, 31)
_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_INSTANT: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ].+")


def _day(given: Any) -> Any:
    if isinstance(given, str) and _DAY.fullmatch(given) is None:
        raise PydanticCustomError("malformed_date", "a date is written YYYY-MM-DD")
    return given


def _instant(given: Any) -> Any:
    if isinstance(given, str) and _INSTANT.fullmatch(given) is None:
        raise PydanticCustomError("malformed_time", "an instant is written YYYY-MM-DDThh:mm:ssZ")
    return given


Day = Annotated[date, Field(ge=FIRST_DAY, le=LAST_DAY), BeforeValidator(_day)]
Instant = Annotated[
    AwareDatetime,
    Field(ge=datetime(1900, 1, 1, tzinfo=UTC), lt=datetime(3000, 1, 1, tzinfo=UTC)),
    BeforeValidator(_instant),
]
