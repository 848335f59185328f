"""What core banking sends first: the customers, the accounts it has, and what some of them owe from months before."""

from collections.abc import Iterator
from datetime import date

from deploy.local.portfolio.accounts import Account, accounts_of
from deploy.local.portfolio.behaviour import sinks_from, sunk
from deploy.local.portfolio.billing import bill_of
from deploy.local.portfolio.book import Book
from deploy.local.portfolio.days import day_of_month
from deploy.local.portfolio.people import Temper, customer
from deploy.local.portfolio.writer import Record, Writer


def opening(seed: int, customers: int, first: date, writer: Writer) -> Iterator[Record]:
    """Every customer with consents, and every account opened before the history begins."""
    for number in range(customers):
        owner = customer(seed, number)
        yield writer.customer(owner)
        for channel in owner.consents:
            yield writer.consent(owner, channel, given=True)
        for channel in owner.opted_out:
            yield writer.consent(owner, channel, given=False)
        for a in accounts_of(seed, owner):
            if a.opens_month < 0:
                yield writer.opened(a, a.opened_on(first))
                yield writer.balance(a, a.exposure_minor(-1), day_of_month(first, -1, a.billing_day))


def backlog(seed: int, customers: int, first: date, writer: Writer, book: Book) -> Iterator[Record]:
    """The unpaid bills that sinking customers bring along."""
    for number in range(customers):
        owner = customer(seed, number)
        if owner.temper is Temper.SINKING:
            for a in accounts_of(seed, owner):
                yield from _unpaid(a, first, writer, book)


def _unpaid(a: Account, first: date, writer: Writer, book: Book) -> Iterator[Record]:
    for month in range(sinks_from(a), 0):
        if sunk(a, month):
            bill = bill_of(a, month, day_of_month(first, month, a.billing_day))
            book.owe(a.slot, bill.due_on, bill.minor)
            yield writer.bill(a, bill.id, bill.minor, bill.issued_on, bill.due_on)
