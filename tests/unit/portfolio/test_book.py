"""The lender's rough book: money meets the oldest debt first."""

from datetime import date

from deploy.local.portfolio.book import Book

JANUARY, FEBRUARY = date(2025, 1, 20), date(2025, 2, 20)


def book() -> Book:
    one = Book()
    one.owe(1, FEBRUARY, 200)
    one.owe(1, JANUARY, 100)
    return one


def test_the_oldest_debt_is_paid_first() -> None:
    one = book()
    assert one.pay(1, 150) == 150
    assert one.owed(1, before=FEBRUARY) == 0
    assert one.owed(1) == 150


def test_what_is_not_owed_is_not_taken() -> None:
    one = book()
    assert one.pay(1, 1_000) == 300
    assert 1 not in one
    assert one.pay(2, 50) == 0


def test_only_what_fell_due_counts_before_a_day() -> None:
    one = book()
    assert one.owed(1, before=JANUARY) == 0
    assert one.owed(1, before=FEBRUARY) == 100
    assert one.behind(1) == 2
