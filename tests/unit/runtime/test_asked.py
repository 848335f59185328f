"""What an address may ask for as a day or an instant: written out, or not at all."""

from datetime import UTC, date, datetime
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from shared.runtime.asked import Day, Instant


@pytest.mark.parametrize(
    ("kind", "given", "said"),
    [
        (Day, "20240301", "a date is written YYYY-MM-DD"),
        (Day, "1704067200", "a date is written YYYY-MM-DD"),
        (Day, "2024-03-01T00:00:00", "a date is written YYYY-MM-DD"),
        (Day, "", "a date is written YYYY-MM-DD"),
        (Day, "2023-02-29", "day value is outside expected range"),
        (Day, "1899-12-31", "greater than or equal to 1900-01-01"),
        (Instant, "20240301", "an instant is written YYYY-MM-DDThh:mm:ssZ"),
        (Instant, "1704067200.5", "an instant is written YYYY-MM-DDThh:mm:ssZ"),
        (Instant, "2024-03-01", "an instant is written YYYY-MM-DDThh:mm:ssZ"),
        (Instant, "2024-03-01T00:00:00", "timezone"),
        (Instant, "0001-01-01T00:00:00+14:00", "greater than or equal to 1900"),
    ],
)
def test_what_could_be_read_as_another_time_is_refused(kind: Any, given: str, said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        TypeAdapter(kind).validate_python(given)


def test_what_is_written_out_is_read() -> None:
    assert TypeAdapter(Day).validate_python("2024-02-29") == date(2024, 2, 29)
    noon = datetime(2024, 3, 1, 12, tzinfo=UTC)
    assert TypeAdapter(Instant).validate_python("2024-03-01T14:00:00+02:00") == noon
    assert TypeAdapter(Instant).validate_python("2024-03-01 12:00:00Z") == noon
