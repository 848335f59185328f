"""Days a classification counts by itself, and probations, by ordinals."""

from datetime import date

import pytest

from services.ingest.domain.counters import (
    NOT_COUNTING,
    Counter,
    Span,
    advanced,
    consecutive_days,
    label,
    leaves_on,
    months_after,
)
from services.ingest.domain.pauses import Pauses
from services.ingest.domain.policy import Band, Classification, Probation, Scale

SCALE = Scale((Band("fine", 0), Band("default", 5)))
HELD = Classification("held", 1, SCALE, 5, None, Probation(1, 3))
START = date(2021, 1, 31).toordinal()


def on(year: int, month: int, day: int) -> int:
    return date(year, month, day).toordinal()


def span(first: int, last: int, begun: int | None, reaged: bool = False) -> Span:
    """Of which each counted day is one."""
    return Span(first, last, begun, reaged, lambda since: 0 if since is None else last - since + 1)


@pytest.mark.parametrize(
    ("start", "months", "end"),
    [
        (date(2021, 1, 31), 0, date(2021, 1, 31)),
        (date(2021, 1, 31), 1, date(2021, 2, 28)),
        (date(2020, 1, 31), 1, date(2020, 2, 29)),
        (date(2021, 1, 30), 3, date(2021, 4, 30)),
        (date(2021, 3, 31), 9, date(2021, 12, 31)),
        (date(2021, 12, 15), 1, date(2022, 1, 15)),
        (date(2021, 12, 15), 24, date(2023, 12, 15)),
        (date(9999, 11, 15), 1, date(9999, 12, 15)),
        (date(9999, 12, 15), 1, date.max),
    ],
)
def test_months_end_on_the_same_day_or_the_last(start: date, months: int, end: date) -> None:
    assert months_after(start.toordinal(), months) == end.toordinal()


def test_a_run_counts_its_first_day_and_no_paused_ones() -> None:
    pauses = Pauses([(12, 14)])
    assert consecutive_days(None, pauses, 20) == 0
    assert [consecutive_days(10, pauses, day) for day in (10, 11, 14, 15)] == [1, 2, 3, 4]


def test_a_label_is_that_of_the_days_or_the_held_one() -> None:
    assert [label(HELD, NOT_COUNTING, days) for days in (4, 5)] == ["fine", "default"]
    assert [label(HELD, Counter(held=True), days) for days in (0, 9)] == ["default", "default"]
    daily = Scale((Band("fine", 0), Band("late", 1)))
    assert label(Classification("plain", 1, daily), Counter(held=True), 0) == "fine"


def test_a_run_begins_once_and_goes_on() -> None:
    begun = advanced(HELD, NOT_COUNTING, span(10, 12, 11))
    assert begun == Counter(since=11)
    assert advanced(HELD, begun, span(13, 14, 11)) == Counter(since=11)
    assert advanced(HELD, NOT_COUNTING, span(13, 14, 11)) == Counter(since=13)
    assert advanced(HELD, begun, span(13, 14, 13)) == Counter(since=11)
    assert advanced(HELD, begun, span(13, 14, 14)) == Counter(since=14)
    assert advanced(HELD, begun, span(13, 14, None)) == NOT_COUNTING


def test_a_label_is_held_from_its_days_on() -> None:
    begun = Counter(since=11)
    assert advanced(HELD, begun, span(13, 14, 11)) == Counter(since=11)
    assert advanced(HELD, begun, span(13, 15, 11)) == Counter(since=11, held=True)
    without = Classification("without", 1, SCALE, 5)
    assert advanced(without, begun, span(13, 15, 11)) == Counter(since=11)
    never = Classification("never", 1, SCALE, None, None, Probation(1, 3))
    assert advanced(never, begun, span(13, 15, 11)) == Counter(since=11)


def test_probation_begins_with_the_first_quiet_day_and_ends_after_its_months() -> None:
    held = Counter(since=START - 9, held=True)
    quiet = advanced(HELD, held, span(START, START + 3, None))
    assert quiet == Counter(held=True, quiet_since=START)
    assert leaves_on(HELD, quiet) == on(2021, 2, 28)
    assert advanced(HELD, quiet, span(START + 4, on(2021, 2, 27), None)) == quiet
    assert advanced(HELD, quiet, span(START + 4, on(2021, 2, 28), None)) == NOT_COUNTING


def test_a_new_run_ends_the_quiet_days_unless_the_probation_was_over_before_it() -> None:
    quiet = Counter(held=True, quiet_since=START)
    again = on(2021, 2, 28)
    assert advanced(HELD, quiet, span(START + 4, again, again)) == Counter(since=again, held=True)
    later = again + 1
    assert advanced(HELD, quiet, span(START + 4, later, later)) == Counter(since=later)
    counting = Counter(since=START - 9, held=True)
    assert advanced(HELD, counting, span(START, again, again)) == Counter(since=again, held=True)
    assert advanced(HELD, counting, span(START, later, later)) == Counter(since=later)


def test_a_re_age_while_held_has_a_longer_probation() -> None:
    held = Counter(since=START - 9, held=True)
    reaged = advanced(HELD, held, span(START, START + 3, None, reaged=True))
    assert reaged == Counter(held=True, quiet_since=START, reaged_on=START)
    assert leaves_on(HELD, reaged) == on(2021, 4, 30)
    assert advanced(HELD, reaged, span(START + 4, START + 5, START + 4)) == Counter(START + 4, True, None, START)
    assert advanced(HELD, Counter(since=START - 2), span(START, START, START - 2, reaged=True)) == Counter(START - 2)
    lately = Counter(held=True, quiet_since=on(2021, 4, 15), reaged_on=START)
    assert leaves_on(HELD, lately) == on(2021, 5, 15)


def test_nothing_leaves_what_is_on_no_probation() -> None:
    assert leaves_on(HELD, Counter(since=3, held=True)) is None
    assert leaves_on(Classification("plain", 1, SCALE, 5), Counter(held=True, quiet_since=START)) is None
