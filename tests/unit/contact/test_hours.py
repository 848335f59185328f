"""Lawful hours at their edges, on days of 23 and 25 hours, on Sundays and holidays."""

from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

import pytest

from services.contact.domain.hours import Hours, Span

BERLIN, NEW_YORK = ZoneInfo("Europe/Berlin"), ZoneInfo("America/New_York")
DAYTIME = Hours({day: Span(time(8), time(21)) for day in range(6)})


def local(zone: ZoneInfo, *when: int) -> datetime:
    return datetime(*when, tzinfo=zone).astimezone(UTC)  # type: ignore[misc, arg-type]  # the digits of an instant


@pytest.mark.parametrize(
    ("when", "lawful"),
    [
        ((2026, 3, 10, 7, 59, 59, 999999), False),
        ((2026, 3, 10, 8, 0, 0), True),
        ((2026, 3, 10, 20, 59, 59, 999999), True),
        ((2026, 3, 10, 21, 0, 0), False),
        ((2026, 3, 8, 12, 0, 0), False),
    ],
)
def test_the_start_belongs_to_the_window_and_the_end_does_not(when: tuple[int, ...], lawful: bool) -> None:
    assert DAYTIME.open_at(local(BERLIN, *when), BERLIN) is lawful


def test_next_opening_skips_a_closed_sunday() -> None:
    saturday_night = local(BERLIN, 2026, 3, 7, 21, 0)
    assert DAYTIME.next_open(saturday_night, BERLIN) == local(BERLIN, 2026, 3, 9, 8, 0)


def test_an_open_instant_is_its_own_next_opening() -> None:
    noon = local(BERLIN, 2026, 3, 10, 12)
    assert DAYTIME.next_open(noon, BERLIN) == noon


def test_the_day_that_springs_forward_opens_at_eight_by_the_new_offset() -> None:
    every_day = Hours({day: Span(time(8), time(21)) for day in range(7)})
    assert every_day.next_open(local(NEW_YORK, 2026, 3, 7, 22), NEW_YORK) == datetime(2026, 3, 8, 12, tzinfo=UTC)
    assert every_day.next_open(local(NEW_YORK, 2026, 3, 6, 22), NEW_YORK) == datetime(2026, 3, 7, 13, tzinfo=UTC)


def test_the_day_that_falls_back_closes_at_nine_by_the_new_offset() -> None:
    every_day = Hours({day: Span(time(8), time(21)) for day in range(7)})
    assert every_day.open_at(datetime(2026, 11, 1, 1, 59, tzinfo=UTC), NEW_YORK) is False  # 21:59 EDT on Saturday
    assert every_day.open_at(datetime(2026, 11, 2, 1, 59, tzinfo=UTC), NEW_YORK) is True  # 20:59 EST on Sunday
    assert every_day.open_at(datetime(2026, 11, 2, 2, 0, tzinfo=UTC), NEW_YORK) is False


def test_a_start_that_the_clock_skips_opens_at_once_after_the_gap() -> None:
    early = Hours({6: Span(time(2, 30), time(5))})
    opening = early.next_open(local(NEW_YORK, 2026, 3, 8, 0), NEW_YORK)
    assert opening == datetime(2026, 3, 8, 7, 30, tzinfo=UTC)  # 03:30 EDT: 02:30 does not exist
    assert early.open_at(opening, NEW_YORK)


def test_an_hour_that_comes_twice_opens_twice() -> None:
    early = Hours({6: Span(time(1, 30), time(2))})
    between = datetime(2026, 11, 1, 6, 10, tzinfo=UTC)  # 01:10, the second time
    assert early.next_open(between, NEW_YORK) == datetime(2026, 11, 1, 6, 30, tzinfo=UTC)


def test_holidays_replace_the_weekday() -> None:
    christmas = Hours(DAYTIME.week, holidays=frozenset({date(2026, 4, 6)}), yearly_holidays=frozenset({(12, 25)}))
    assert not christmas.open_at(local(BERLIN, 2026, 12, 25, 12), BERLIN)
    assert not christmas.open_at(local(BERLIN, 2026, 4, 6, 12), BERLIN)
    assert christmas.next_open(local(BERLIN, 2026, 12, 25, 0), BERLIN) == local(BERLIN, 2026, 12, 26, 8)


def test_a_week_without_hours_never_opens() -> None:
    assert Hours({}).next_open(local(BERLIN, 2026, 3, 10, 12), BERLIN) is None


def test_open_until_midnight() -> None:
    late = Hours({1: Span(time(8), None)})
    assert late.open_at(local(BERLIN, 2026, 3, 10, 23, 59, 59), BERLIN)
    assert not late.open_at(local(BERLIN, 2026, 3, 11, 0), BERLIN)
