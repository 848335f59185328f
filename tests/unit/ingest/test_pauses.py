"""Days that do not age, by ordinals."""

import pytest

from services.ingest.domain.pauses import FOREVER, Ageing, Pauses

DUE = Ageing(10, 11)


def test_pauses_that_meet_are_one_and_empty_ones_none() -> None:
    assert Pauses([(5, 8), (1, 3), (3, 5), (9, 9), (12, 11)]).spans == [(1, 8)]
    assert Pauses([(1, 9), (2, 4), (10, 12)]).spans == [(1, 9), (10, 12)]
    assert Pauses().spans == []


@pytest.mark.parametrize(
    ("start", "end", "days"), [(0, 3, 0), (0, 4, 1), (4, 6, 2), (5, 20, 4), (8, 12, 3), (6, 8, 0), (0, 99, 6)]
)
def test_paused_days_of_a_span(start: int, end: int, days: int) -> None:
    assert Pauses([(3, 6), (8, 11)]).days(start, end) == days


@pytest.mark.parametrize(("day", "age"), [(10, 0), (11, 1), (12, 2), (13, 2), (14, 2), (15, 3)])
def test_an_age_counts_from_the_first_day_overdue_without_paused_days(day: int, age: int) -> None:
    assert Pauses([(12, 14)]).age(DUE, day) == age
    assert Pauses().age(DUE, day) == day - 10


@pytest.mark.parametrize(("age", "day"), [(1, 11), (2, 12), (3, 15), (4, 16), (5, 20)])
def test_an_age_is_reached_later_by_the_days_paused(age: int, day: int) -> None:
    assert Pauses([(12, 14), (16, 19)]).reaches_on(DUE, age) == day


def test_an_age_is_never_reached_in_a_pause_without_end() -> None:
    endless = Pauses([(5, 7), (12, FOREVER)])
    assert [endless.reaches_on(DUE, age) for age in (1, 2, 3)] == [11, 12, None]
    assert Pauses([(12, FOREVER)]).reaches_on(DUE, 3) is None
    assert Pauses([(2, 3), (5, 7), (12, FOREVER)]).reaches_on(DUE, 9) is None
