"""Bad input of every kind, on every topic of core banking, among good events: each told apart, nothing else lost."""

import itertools
from datetime import datetime
from typing import Any

from shared.contracts import banking
from shared.contracts.fields import Amount
from shared.contracts.topics import BY_NAME
from shared.vocabulary.money import minor_units
from tests.e2e.crowd import BILL_MINOR, MORNING, Calendar, Crowd, record
from tests.e2e.doors import Doors, Message
from tests.e2e.hostile import bent

PAGE = 1000


async def test_each_bad_record_is_a_dead_letter_and_the_good_around_it_count(doors: Doors, calendar: Calendar) -> None:
    week = calendar.next_week()
    crowd = Crowd("among-bad", 8, week[0], "DKK")
    good = crowd.opening()
    bad = [one for event, key in _one_of_each(crowd) for one in bent(event, key, week[0])]
    assert len(bad) > 60

    mixed = [one for pair in itertools.zip_longest(good, (b.message for b in bad)) for one in pair if one]
    places = await doors.publish(mixed)
    await doors.quiet()

    at = {
        id(message): (place.topic, place.partition, place.offset) for message, place in zip(mixed, places, strict=True)
    }
    for service in ("ingest", "contact", "reporting"):
        letters = {(x["topic"], x["partition"], x["position"]): x for x in await _dead_letters(doors, service)}
        expected = [one for one in bad if service in BY_NAME[one.message.topic].consumers]
        found = {one.what: letters.pop(at[id(one.message)], {}).get("reason") for one in expected}
        assert found == {one.what: one.reason for one in expected}
        assert not {place for place in letters if place in at.values()}, "a good record was refused"

    owed = await _owed_after(doors, calendar, crowd, week)
    assert owed == [BILL_MINOR] * crowd.size


async def test_what_only_the_ledger_can_refuse(doors: Doors, calendar: Calendar) -> None:
    week = calendar.next_week()
    crowd = Crowd("conflict", 2, week[0], "PLN")
    at = datetime.combine(week[0], MORNING)
    bill = crowd.bill(0)
    account, bill_id = bill.account_id, bill.bill_id

    def again(expected: str, **changes: Any) -> tuple[str, Message]:
        return expected, record(bill.model_copy(update=changes), account, at)

    wrong = [
        again("conflicting_duplicate", amount=Amount.of(BILL_MINOR + 1, "PLN")),
        again("wrong_currency", bill_id="other", amount=Amount.of(BILL_MINOR, "EUR")),
    ]
    await doors.publish(crowd.opening())
    await doors.quiet()
    places = await doors.publish([*(message for _, message in wrong), record(bill, account, at)])
    await doors.quiet()

    letters = {(x["topic"], x["partition"], x["position"]): x for x in await _dead_letters(doors, "ingest")}
    got = [letters.get((place.topic, place.partition, place.offset)) for place in places]
    assert [letter and letter["reason"] for letter in got] == [*(reason for reason, _ in wrong), None]
    assert all(letter is None or "PLN" in letter["detail"] or bill_id in letter["detail"] for letter in got)
    assert await _owed_after(doors, calendar, crowd, week) == [BILL_MINOR] * crowd.size


def _one_of_each(crowd: Crowd) -> list[tuple[Any, str | None]]:
    """A good event for each topic of core banking, about the first of the crowd."""
    account, day = crowd.accounts[0], crowd.due_on
    amount = Amount.of(BILL_MINOR, crowd.currency)
    return [
        (banking.AccountWrittenOff(account_id=account, amount=amount, effective_on=day), account),
        (
            banking.CustomerUpdated(customer_id=crowd.customers[0], revision=9, name="Somebody", language="en"),
            crowd.customers[0],
        ),
        (crowd.bill(0), account),
        (
            banking.RepaymentReceived(account_id=account, repayment_id="R-bent", amount=amount, effective_on=day),
            account,
        ),
        (banking.BusinessDayClosed(business_date=day), None),
    ]


async def _dead_letters(doors: Doors, service: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    after: int | None = 0
    while after is not None:
        page = await doors.get(service, "/dead-letters", limit=PAGE, after=after)
        found += page["dead_letters"]
        after = page["next_after"]
    return found


async def _owed_after(doors: Doors, calendar: Calendar, crowd: Crowd, week: list[Any]) -> list[int]:
    """Each account's arrears at the day after the due date, which closes both days."""
    await calendar.close(week[0])
    await calendar.close(week[1])
    await doors.quiet()
    answers = [await doors.get("ingest", f"/accounts/{account}/delinquency") for account in crowd.accounts]
    return [minor_units(answer["arrears"]["amount"], crowd.currency) for answer in answers]
