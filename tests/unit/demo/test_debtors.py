"""Debtors answer the same way whoever asks when, and pay what they owe."""

from datetime import UTC, date, datetime, timedelta

import pytest

from deploy.local.demo.debtors import Debtors
from deploy.local.demo.mailroom import Message
from deploy.local.portfolio.lender import Lender
from deploy.local.portfolio.people import customer

DAY = date(2025, 2, 3)
AT = datetime(2025, 2, 3, 9, 30, tzinfo=UTC)


@pytest.fixture
def lender() -> Lender:
    one = Lender(seed=3, customers=200, months=4, start=date(2025, 1, 1))
    for part in one.days():
        if part.last and part.day == DAY:
            return one
    raise AssertionError("the day did not come")


def email(number: int) -> Message:
    return Message("email", f"c{number:07d}@example.com", f"t{number}", "", True, AT)


def test_a_message_is_somebodys(lender: Lender) -> None:
    debtors = Debtors(lender)
    mobile = customer(3, 17).mobile
    assert mobile is not None
    assert debtors.who(Message("sms", mobile, "t", "", True, AT)).number == 17
    assert debtors.who(email(17)).number == 17


def test_some_of_those_who_read_and_owe_pay_all_of_it(lender: Lender) -> None:
    before = sum(lender.book.owed(slot, before=DAY) for slot in range(600))
    Debtors(lender).read([email(number) for number in range(200)], DAY)
    planned = [a for on, actions in lender._planned.items() for a in actions if a.kind == "settle" and on > DAY]
    assert before > 0
    assert planned
    assert all(lender.book.owed(action.slot, before=DAY) for action in planned if action.on <= DAY + timedelta(days=3))


def test_what_is_said_depends_on_the_person_and_the_day_alone(lender: Lender) -> None:
    one, other = Debtors(lender), Debtors(lender)
    ids = [f"C{number:07d}" for number in range(100)]
    assert [one.called(i, DAY) for i in ids] == [other.called(i, DAY) for i in reversed(ids)][::-1]
    assert [one.called(i, DAY) for i in ids] != [one.called(i, DAY + timedelta(days=1)) for i in ids]


def test_only_the_customer_promises(lender: Lender) -> None:
    said = [Debtors(lender).called(f"C{number:07d}", DAY) for number in range(200)]
    assert any(one.promise_in_days for one in said)
    assert all(one.answer == "right_party" for one in said if one.promise_in_days or one.disputes or one.opts_out)
