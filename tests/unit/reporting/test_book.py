"""From which day a status holds: pinned by example, and however the events are cut into batches."""

from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from services.reporting.domain.standing import BEFORE_THE_FIRST_CLOSE, STILL, Book, Period, Standing, Status

FRIDAY, SATURDAY, MONDAY, TUESDAY = date(2026, 1, 30), date(2026, 1, 31), date(2026, 2, 2), date(2026, 2, 3)


def status(version: int, account_id: str = "a1", source: int | None = 0, arrears: int = 0, exposure: int = 0) -> Status:
    return Status(account_id, "c1", "loan", "EUR", version, FRIDAY, 5, "1-29", "open", True, arrears, exposure, source)


def test_balance_is_the_exposure_or_the_arrears_where_none_is_reported() -> None:
    assert status(1, arrears=50, exposure=700).balance_minor == 700
    assert status(1, arrears=50).balance_minor == 50


def test_before_any_close_a_status_holds_from_the_beginning() -> None:
    book = Book({}, {})
    book.take(status(1))
    assert list(book.periods()) == [Period(status(1), BEFORE_THE_FIRST_CLOSE, STILL)]


def test_after_a_close_a_status_counts_from_the_next_day_whatever_date_it_is_assessed_for() -> None:
    book = Book({0: FRIDAY}, {})
    book.take(status(1))
    assert [period.valid_from for period in book.periods()] == [SATURDAY]


def test_each_ingest_shard_closes_its_own_days() -> None:
    book = Book({0: FRIDAY}, {}, complete=None)
    assert book.close_day(1, FRIDAY)
    assert book.close_day(1, MONDAY)
    assert (book.open_day(0), book.open_day(1)) == (SATURDAY, TUESDAY)
    assert not book.close_day(1, MONDAY), "a repeat"
    assert not book.close_day(1, FRIDAY), "an older day"
    assert book.open_day(1) == TUESDAY


def test_a_shard_that_has_closed_nothing_follows_the_complete_days() -> None:
    assert Book({0: FRIDAY}, {}).open_day(1) == BEFORE_THE_FIRST_CLOSE
    assert Book({0: MONDAY}, {}, complete=FRIDAY).open_day(1) == SATURDAY
    assert Book({0: MONDAY}, {}, complete=FRIDAY).open_day(None) == SATURDAY


def test_the_last_status_of_a_day_replaces_the_earlier_ones() -> None:
    book = Book({0: FRIDAY}, {"a1": Standing(1, FRIDAY)})
    for version in (2, 3):
        assert book.take(status(version))
    book.close_day(0, MONDAY)
    book.take(status(4))
    assert list(book.periods()) == [Period(status(3), SATURDAY, TUESDAY), Period(status(4), TUESDAY, STILL)]
    assert book.openings() == {"a1": SATURDAY}


def test_a_known_or_older_version_is_dropped() -> None:
    book = Book({}, {"a1": Standing(3, FRIDAY)})
    assert not book.take(status(3))
    assert not book.take(status(2))
    assert list(book.periods()) == []


def test_periods_of_an_account_never_go_back() -> None:
    book = Book({}, {"a1": Standing(1, MONDAY)}, complete=FRIDAY)
    book.take(status(2))
    assert [period.valid_from for period in book.periods()] == [MONDAY]


EVENTS = st.lists(
    st.one_of(
        st.tuples(st.just("status"), st.sampled_from(["a1", "a2"]), st.integers(1, 9)),
        st.tuples(st.just("close"), st.integers(0, 1), st.integers(1, 9)),
    ),
    max_size=30,
)


def after(events: list[tuple[str, object, int]], size: int) -> tuple[dict[tuple[str, date], tuple[int, date]], object]:
    """What a store holds after the events in batches of that size: periods by key, as `save_periods` writes them."""
    stored: dict[tuple[str, date], tuple[int, date]] = {}
    aged: dict[int, date] = {}
    for start in range(0, len(events), size):
        standings = {key[0]: Standing(v[0], key[1]) for key, v in stored.items() if v[1] == STILL}
        book = Book(aged, standings)
        for kind, who, number in events[start : start + size]:
            if kind == "close":
                book.close_day(int(str(who)), date(2026, 1, number))
            else:
                book.take(status(number, str(who), source=0 if who == "a1" else 1))
        for account_id, opening in book.openings().items():
            for key, (version, valid_to) in list(stored.items()):
                if key[0] == account_id and valid_to == STILL and key[1] < opening:
                    stored[key] = version, opening
        for period in book.periods():
            stored[period.status.account_id, period.valid_from] = period.status.version, period.valid_to
        aged = book.aged
    return stored, aged


@given(EVENTS, st.integers(1, 7))
def test_batches_may_be_cut_anywhere(events: list[tuple[str, object, int]], size: int) -> None:
    assert after(events, size) == after(events, max(1, len(events)))
