"""The synthetic lender: the same for the same seed, readable by the services' contracts, and as troubled as it says."""

from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta
from itertools import chain

import orjson
import pytest

from deploy.local.portfolio.actions import Action
from deploy.local.portfolio.lender import Lender
from deploy.local.portfolio.malformed import KINDS
from deploy.local.portfolio.writer import Record
from shared.contracts.envelope import decode
from shared.contracts.topics import BY_NAME
from shared.vocabulary.errors import Rejected

START = date(2025, 1, 1)
SEMANTIC = {"conflicting_duplicate", "wrong_currency"}
"""Reasons that only a ledger can give: these records are well formed."""


def lender(seed: int = 3, customers: int = 400, months: int = 12) -> Lender:
    return Lender(seed=seed, customers=customers, months=months, start=START)


def records(of: Lender) -> Iterator[Record]:
    return chain.from_iterable(part.records for part in of.days())


@pytest.fixture(scope="module")
def year() -> tuple[Lender, list[Record]]:
    one = lender()
    return one, list(records(one))


def test_same_seed_same_records() -> None:
    assert list(records(lender(months=3))) == list(records(lender(months=3)))
    assert list(records(lender(months=3))) != list(records(lender(seed=4, months=3)))


def test_every_template_is_readable_and_every_malformed_record_is_counted_by_its_reason(
    year: tuple[Lender, list[Record]],
) -> None:
    one, published = year
    seen, refused = set(), Counter[tuple[str, str]]()
    for record in published:
        try:
            seen.add(decode(record.topic, record.value).type)
        except Rejected as refusal:
            refused[record.topic, refusal.reason] += 1
    banking = {name for topic in BY_NAME.values() if topic.publisher == "core" for name in topic.types}
    assert seen == {name for name in banking if ".calendar." not in name}
    assert refused == Counter({key: n for key, n in one.noise.refused.items() if key[1] not in SEMANTIC})
    assert {reason for _, reason in one.noise.refused} == {kind.reason for kind in KINDS}


def test_the_account_or_customer_is_the_key(year: tuple[Lender, list[Record]]) -> None:
    for record in year[1]:
        try:
            data = decode(record.topic, record.value).data
        except Rejected:
            continue
        owner = data.customer_id if record.topic == "banking.customers" else data.account_id
        assert record.key == owner.encode()


def test_repetitions_are_exact_and_counted(year: tuple[Lender, list[Record]]) -> None:
    one, published = year
    copies = Counter(published)
    repeated = Counter[str]()
    for record, count in copies.items():
        repeated[record.topic] += count - 1
    assert +repeated == one.noise.repeated
    ids = Counter(orjson.loads(record.value)["id"] for record in copies if _is_sound(record))
    assert max(ids.values()) == 1


def _is_sound(record: Record) -> bool:
    try:
        decode(record.topic, record.value)
    except Rejected:
        return False
    return True


def test_some_facts_come_before_what_they_are_about(year: tuple[Lender, list[Record]]) -> None:
    place: dict[tuple[str, str], int] = {}
    for index, record in enumerate(year[1]):
        if _is_sound(record):
            event = orjson.loads(record.value)
            name = event["type"].split(".")[2]
            place.setdefault((name, event["data"].get("repayment_id") or event["subject"]), index)
    reversed_first = [
        ref for (name, ref), at in place.items()
        if name == "RepaymentReversed" and at < place["RepaymentReceived", ref]
    ]  # fmt: skip
    balance_first = [
        ref for (name, ref), at in place.items() if name == "BalanceReported" and at < place["AccountOpened", ref]
    ]
    assert reversed_first
    assert balance_first


def test_no_reversal_is_left_without_its_repayment(year: tuple[Lender, list[Record]]) -> None:
    events = [orjson.loads(record.value) for record in year[1] if _is_sound(record)]
    received = {e["data"]["repayment_id"] for e in events if "RepaymentReceived" in e["type"]}
    undone = {e["data"]["repayment_id"] for e in events if "Reversed" in e["type"] or "ChargedBack" in e["type"]}
    assert undone <= received


def test_days_are_business_days_in_order_and_each_ends_once() -> None:
    closed = [part.day for part in lender(customers=30).days() if part.last]
    assert closed == sorted(set(closed))
    assert all(day.weekday() < 5 for day in closed)
    assert closed[0] == date(2025, 1, 1)
    assert closed[-1] == date(2025, 12, 31)


def test_a_large_day_comes_in_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("deploy.local.portfolio.lender.SLICE", 100)
    parts = [part for part in lender(customers=100, months=1).days() if part.day == START]
    assert len(parts) > 3
    assert [part.last for part in parts] == [False] * (len(parts) - 1) + [True]


def test_what_is_planned_between_two_days_happens_once_and_in_one_order() -> None:
    def told(slots: list[int]) -> list[Record]:
        one, out = lender(customers=60, months=3), []
        for part in one.days():
            out += part.records
            if part.day == date(2025, 2, 3):
                for slot in slots:
                    one.plan(Action(part.day + timedelta(days=1), slot, "settle"))
        return out

    behind = [slot for slot in range(180) if _behind_on(slot)]
    assert len(behind) > 1
    assert told(behind) == told(behind[::-1])
    assert told(behind) != told([])


def _behind_on(slot: int) -> bool:
    one = lender(customers=60, months=3)
    for part in one.days():
        if part.day == date(2025, 2, 3):
            return one.book.owed(slot, before=part.day) > 0
    raise AssertionError("the day did not come")


def test_the_share_of_accounts_behind_stays_plausible() -> None:
    one, shares = lender(customers=1_000), []
    for part in one.days():
        if part.last and part.day.day >= 28:
            behind = sum(one.book.owed(slot, before=part.day) > 0 for slot in range(3_000))
            shares.append(behind / 1_340)
    assert min(shares) > 0.04
    assert max(shares) < 0.16
