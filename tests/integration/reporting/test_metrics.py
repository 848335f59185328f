"""Every formula on the small portfolio of `story`, worked out by hand, however the events are delivered."""

import random
from collections.abc import Sequence
from typing import Any

import pytest

from shared.contracts.delinquency import DelinquencyRolled, PortfolioAged
from shared.contracts.fields import Contract
from tests.integration.reporting import story
from tests.integration.reporting.conftest import Reporting

Batches = list[tuple[int, int, list[Contract]]]


def in_order(batches: Batches) -> Batches:
    return batches


def twice(batches: Batches) -> Batches:
    return [batch for batch in batches for _ in range(2)]


def one_by_one(batches: Batches) -> Batches:
    return [(partition, source, [event]) for partition, source, events in batches for event in events]


def reversed_within_the_day(batches: Batches) -> Batches:
    """Older versions come after newer ones and are dropped."""
    return [(partition, source, [*events[-2::-1], events[-1]]) for partition, source, events in batches]


def sources_shuffled(batches: Batches) -> Batches:
    """Ingest shards run ahead of each other; each keeps its own order."""
    rng = random.Random(7)
    queues = {lane: [b for b in batches if b[:2] == lane] for lane in {b[:2] for b in batches}}
    mixed: Batches = []
    while queues:
        lane = rng.choice(sorted(queues))
        mixed.append(queues[lane].pop(0))
        queues = {key: queue for key, queue in queues.items() if queue}
    return mixed


DELIVERIES = [in_order, twice, one_by_one, reversed_within_the_day, sources_shuffled]


@pytest.fixture(params=DELIVERIES, ids=lambda delivery: delivery.__name__)
async def told(request: pytest.FixtureRequest, reporting: Reporting) -> Reporting:
    """The store after the whole story; accounts come last, so that each status is there before its opening."""
    batches = [batch for day in story.DAYS for batch in story.lanes(day)]
    for partition, source, events in request.param(batches):
        await reporting.take(events, partition=partition, source=source)
    for number, account in enumerate(story.ACCOUNTS):
        for _ in range(2):
            await reporting.take([account], stream="accounts", partition=number % 2, source=None)
    return reporting


def picked(rows: Sequence[dict[str, Any]], *names: str, **where: Any) -> list[tuple[Any, ...]]:
    found = [row for row in rows if all(row[key] == value for key, value in where.items())]
    return [tuple(row[name] for name in names) for row in found]


async def test_every_formula(told: Reporting) -> None:
    await delinquency_rates(told)
    await roll_matrices(told)
    await cures(told)
    await recovery(told)
    await portfolio(told)


async def delinquency_rates(told: Reporting) -> None:
    rows = await told.metric("delinquency_rate", currency="EUR")
    sides = ("delinquent_accounts", "accounts", "rate_accounts", "delinquent_amount", "balance_amount", "rate_amount")
    january = picked(rows, "threshold", *sides, business_date="2026-01-30")
    # a1 1000 current, a2 500 1-29, a3 300 30-59, a4 without status, a5 50 of arrears 60-89, a7 3000 current
    assert january == [
        (1, 3, 6, 0.5, "850.00", "4850.00", 0.175258),
        (30, 2, 6, 0.333333, "350.00", "4850.00", 0.072165),
        (60, 1, 6, 0.166667, "50.00", "4850.00", 0.010309),
        (90, 0, 6, 0.0, "0.00", "4850.00", 0.0),
    ]
    # a2 cured and owes 400; a3 in 60-89
    assert picked(rows, *sides, business_date="2026-02-02", threshold=60) == [
        (2, 6, 0.333333, "350.00", "4750.00", 0.073684)
    ]
    # a3 closed and a5 written off are off the books; a6, opened on 10 February, has no status; a4 700
    for day in ("2026-02-27", "2026-03-02"):
        assert picked(rows, *sides, business_date=day, threshold=1) == [(1, 5, 0.2, "1000.00", "5100.00", 0.196078)]
    yen = await told.metric("delinquency_rate", currency="JPY", since="2026-02-01", until="2026-02-15")
    assert picked(yen, "business_date", "threshold", "accounts", "balance_amount")[0] == ("2026-02-02", 1, 1, "10000")
    assert await told.metric("delinquency_rate", product="card") == []


async def roll_matrices(told: Reporting) -> None:
    cells = ("from_bucket", "to_bucket", "accounts", "rate_accounts", "balance_amount", "rate_amount")
    expected = [
        ("new", "current", 1, 1.0, "0.00", None),
        ("current", "current", 1, 0.5, "3000.00", 0.75),
        ("current", "1-29", 1, 0.5, "1000.00", 0.25),
        ("1-29", "current", 1, 1.0, "500.00", 1.0),
        ("30-59", "closed", 1, 1.0, "300.00", 1.0),
        ("60-89", "written-off", 1, 1.0, "50.00", 1.0),
    ]
    month = {"since": "2026-01-31", "until": "2026-02-28", "currency": "EUR"}
    assert picked(await told.metric("roll_matrix", **month), *cells) == expected
    assert picked(await told.metric("roll_matrix", currency="EUR"), *cells) == expected, "the last two month ends"
    assert picked(await told.metric("roll_matrix_monthly", currency="EUR"), *cells) == expected
    # The same by way of a day that is no month end: not read from the monthly matrix.
    later = await told.metric("roll_matrix", since="2026-01-30", until="2026-03-02", currency="EUR")
    assert picked(later, *cells) == expected
    daily = await told.metric("roll_matrix_daily", currency="EUR")
    assert picked(daily, *cells, business_date="2026-02-02") == [
        ("current", "current", 2, 1.0, "4000.00", 1.0),
        ("1-29", "current", 1, 1.0, "500.00", 1.0),
        ("30-59", "60-89", 1, 1.0, "300.00", 1.0),
        ("60-89", "60-89", 1, 1.0, "50.00", 1.0),
    ]
    assert {row[0] for row in picked(daily, "from_bucket", business_date="2026-03-02")} == {
        "current", "1-29", "written-off", "closed",
    }  # fmt: skip
    for rows in (daily, later):
        assert all(total == pytest.approx(1) for total in row_sums(rows).values())
    flow = await told.metric("flow_rate", currency="EUR")
    assert picked(flow, "from_bucket", "to_bucket", "from_accounts", "to_accounts", "rate_amount")[0] == (
        "current", "1-29", 2, 1, 0.25,
    )  # fmt: skip


def row_sums(rows: Sequence[dict[str, Any]]) -> dict[tuple[Any, ...], float]:
    sums: dict[tuple[Any, ...], float] = {}
    for row in rows:
        key = (row.get("business_date"), row["from_bucket"])
        sums[key] = sums.get(key, 0.0) + row["rate_accounts"]
    return sums


async def cures(told: Reporting) -> None:
    sides = ("delinquent_accounts", "cured_accounts", "otherwise_accounts", "delinquent_amount", "cured_amount")
    rows = await told.metric("cure_rate", currency="EUR")
    assert picked(rows, "business_date", *sides, "rate_accounts", "rate_amount") == [
        ("2026-02-02", 3, 1, 0, "850.00", "500.00", 0.333333, 0.588235),
        ("2026-02-27", 2, 0, 1, "350.00", "0.00", 0.0, 0.0),
        # a5, written off, goes on being delinquent
        ("2026-03-02", 2, 0, 0, "1050.00", "0.00", 0.0, 0.0),
    ]
    monthly = await told.metric("cure_rate_monthly", currency="EUR")
    assert picked(monthly, "from_date", "to_date", *sides) == [
        ("2026-01-30", "2026-02-27", 3, 1, 1, "850.00", "500.00")
    ]


async def recovery(told: Reporting) -> None:
    rows = await told.metric("resolution_rate", currency="EUR", since="2026-02-01")
    sides = ("opening_arrears_amount", "newly_overdue_amount", "applied_amount", "otherwise_reduced_amount")
    assert picked(rows, *sides, "closing_arrears_amount", "rate_amount") == [
        ("350.00", "50.00", "100.00", "0.00", "300.00", 0.25),
        ("300.00", "80.00", "0.00", "250.00", "130.00", 0.0),
        ("130.00", "0.00", "0.00", "0.00", "130.00", 0.0),
    ]
    money = await told.metric("recovery", currency="EUR", since="2026-02-02", until="2026-02-02")
    assert picked(money, "repayments", "repaid_amount", "returned_amount", "applied_amount") == [
        (1, "100.00", "0.00", "100.00")
    ]


async def portfolio(told: Reporting) -> None:
    answer = await told.portfolio()
    assert answer["business_date"] == "2026-03-02"
    assert answer["closed"] == answer["now"]
    cells = ("state", "bucket", "accounts", "exposure_amount", "arrears_amount")
    assert picked(answer["now"], *cells, currency="EUR") == [
        ("closed", "current", 1, "0.00", "0.00"),
        ("open", "current", 4, "4100.00", "0.00"),
        ("open", "1-29", 1, "1000.00", "80.00"),
        ("written-off", "60-89", 1, "0.00", "50.00"),
    ]


async def test_what_comes_after_a_close_shows_now_but_not_in_the_closed_day(reporting: Reporting) -> None:
    for day in (story.JANUARY, story.EARLY):
        for partition, source, events in story.lanes(day):
            await reporting.take(events, partition=partition, source=source)
    before = (await reporting.portfolio())["closed"]
    late = story.status(DelinquencyRolled, "a2", 4, story.JANUARY, "30-59", exposure=40_000, arrears=9_000)
    partition, source = story.lane_of("a2")
    await reporting.take([late], partition=partition, source=source)
    answer = await reporting.portfolio()
    assert answer["closed"] == before
    assert picked(answer["now"], "accounts", "arrears_amount", bucket="30-59") == [(1, "90.00")]


async def test_a_day_counts_only_when_every_ingest_shard_has_closed_it_everywhere(reporting: Reporting) -> None:
    parts = list(story.lanes(story.JANUARY))
    for partition, source, events in parts[:-1]:
        await reporting.take(events, partition=partition, source=source)
        assert (await reporting.portfolio())["business_date"] is None
    partition, source, events = parts[-1]
    await reporting.take(events, partition=partition, source=source)
    assert (await reporting.portfolio())["business_date"] == "2026-01-30"


async def test_reversed_batches_leave_the_same_present_figures(reporting: Reporting) -> None:
    batches = [batch for day in story.DAYS for batch in story.lanes(day)]
    for partition, source, events in reversed(batches):
        statuses = [event for event in events if not isinstance(event, PortfolioAged)]
        await reporting.take(reversed(statuses), partition=partition, source=source)
    now = (await reporting.portfolio())["now"]
    assert picked(now, "state", "bucket", "accounts", "arrears_amount", currency="EUR") == [
        ("closed", "current", 1, "0.00"),
        ("open", "current", 3, "0.00"),
        ("open", "1-29", 1, "80.00"),
        ("written-off", "60-89", 1, "50.00"),
    ]


async def test_another_opening_of_an_account_is_refused_and_the_first_stands(reporting: Reporting) -> None:
    first, other = story.opened("a1"), story.opened("a1", region="north")
    await reporting.take([first, other, first], stream="accounts")
    await reporting.take([other, first], stream="accounts")
    assert reporting.rejected == ["conflicting_duplicate"] * 2
    assert picked((await reporting.portfolio())["now"], "accounts") == [(1,)]
