"""From which day a status holds: pinned by example, and however the events are cut into batches."""

from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from services.reporting.domain.standing import BEFORE_THE_FIRST_CLOSE, Book, Standing

FRIDAY, SATURDAY, MONDAY, TUESDAY = date(2026, 1, 30), date(2026, 1, 31), date(2026, 2, 2), date(2026, 2, 3)


def opened_by(book: Book[str]) -> list[date]:
    return [day for _, day in book.present()]


def test_before_any_close_a_status_holds_from_the_beginning() -> None:
    book: Book[str] = Book({}, {})
    book.take("a1", 1, 0, "first")
    assert list(book.present()) == list(book.entered()) == [("first", BEFORE_THE_FIRST_CLOSE)]


def test_after_a_close_a_status_counts_from_the_next_day() -> None:
    book: Book[str] = Book({0: FRIDAY}, {})
    book.take("a1", 1, 0, "first")
    assert opened_by(book) == [SATURDAY]


def test_each_ingest_shard_closes_its_own_days() -> None:
    book: Book[str] = Book({0: FRIDAY}, {})
    assert book.close_day(1, FRIDAY)
    assert book.close_day(1, MONDAY)
    assert (book.open_day(0), book.open_day(1)) == (SATURDAY, TUESDAY)
    assert not book.close_day(1, MONDAY), "a repeat"
    assert not book.close_day(1, FRIDAY), "an older day"
    assert book.open_day(1) == TUESDAY


def test_a_day_is_done_once_every_ingest_shard_has_closed_it_or_a_later_one() -> None:
    book: Book[str] = Book({0: MONDAY}, {})
    assert not book.is_aged(MONDAY, 2)
    book.close_day(1, FRIDAY)
    assert book.is_aged(FRIDAY, 2)
    assert not book.is_aged(MONDAY, 2)
    book.close_day(1, TUESDAY)
    assert book.is_aged(MONDAY, 2)


def test_a_shard_that_has_closed_nothing_follows_the_complete_days() -> None:
    assert Book[str]({0: FRIDAY}, {}).open_day(1) == BEFORE_THE_FIRST_CLOSE
    assert Book[str]({0: MONDAY}, {}, complete=FRIDAY).open_day(1) == SATURDAY
    assert Book[str]({0: MONDAY}, {}, complete=FRIDAY).open_day(None) == SATURDAY


def test_the_last_status_of_a_day_replaces_the_earlier_ones() -> None:
    book: Book[str] = Book({0: FRIDAY}, {"a1": Standing(1, FRIDAY)})
    assert book.take("a1", 2, 0, "second")
    assert book.take("a1", 3, 0, "third")
    book.close_day(0, MONDAY)
    book.take("a1", 4, 0, "fourth")
    assert list(book.ended()) == [("a1", SATURDAY)]
    assert list(book.past()) == [("third", SATURDAY, TUESDAY)]
    assert list(book.present()) == [("fourth", TUESDAY)]
    assert list(book.entered()) == []


def test_a_status_of_the_day_that_stands_ends_nothing() -> None:
    book: Book[str] = Book({0: FRIDAY}, {"a1": Standing(1, SATURDAY)})
    book.take("a1", 2, 0, "second")
    assert (list(book.ended()), list(book.present())) == ([], [("second", SATURDAY)])


def test_a_known_or_older_version_is_dropped() -> None:
    book: Book[str] = Book({}, {"a1": Standing(3, FRIDAY)})
    assert not book.take("a1", 3, 0, "again")
    assert not book.take("a1", 2, 0, "late")
    assert list(book.present()) == []


def test_an_account_never_goes_back_in_time() -> None:
    book: Book[str] = Book({}, {"a1": Standing(1, MONDAY)}, complete=FRIDAY)
    book.take("a1", 2, None, "second")
    assert opened_by(book) == [MONDAY]


EVENTS = st.lists(
    st.one_of(
        st.tuples(st.just("status"), st.integers(0, 1), st.integers(1, 9)),
        st.tuples(st.just("close"), st.integers(0, 1), st.integers(1, 9)),
    ),
    max_size=30,
)
Past = dict[tuple[int, date], tuple[int, date]]


class Stored:
    """What a store holds, written as the handlers write it; account n belongs to ingest shard n."""

    def __init__(self) -> None:
        self.aged: dict[int, date] = {}
        self.now: dict[int, Standing] = {}
        self.past: Past = {}

    def take(self, events: list[tuple[str, int, int]]) -> None:
        book: Book[tuple[int, int]] = Book(self.aged, {str(n): standing for n, standing in self.now.items()})
        for kind, who, number in events:
            if kind == "close":
                book.close_day(who, date(2026, 1, number))
            else:
                book.take(str(who), number, who, (who, number))
        for account, end in book.ended():
            before = self.now[int(account)]
            self.past[int(account), before.valid_from] = before.version, end
        for (who, _), end in book.entered():
            self.past[who, date.min] = 0, end
        for (who, version), start, end in book.past():
            self.past[who, start] = version, end
        for (who, version), day in book.present():
            self.now[who] = Standing(version, day)
        self.aged = book.aged


@given(EVENTS, st.integers(1, 7))
def test_batches_may_be_cut_anywhere(events: list[tuple[str, int, int]], size: int) -> None:
    whole, cut = Stored(), Stored()
    whole.take(events)
    for start in range(0, len(events), size):
        cut.take(events[start : start + size])
    assert vars(cut) == vars(whole)
