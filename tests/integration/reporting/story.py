"""A small portfolio over two month ends, worked out by hand in test_metrics."""

from collections.abc import Iterable
from datetime import date
from typing import Any

from shared.contracts.banking import AccountOpened
from shared.contracts.delinquency import (
    ArrearsChanged,
    DelinquencyCured,
    DelinquencyEntered,
    DelinquencyRolled,
    DelinquencyStatus,
    PortfolioAged,
    RepaymentApplied,
)
from shared.contracts.fields import Amount, Contract

SOURCES = 2
JANUARY, EARLY, FEBRUARY, MARCH = date(2026, 1, 30), date(2026, 2, 2), date(2026, 2, 27), date(2026, 3, 2)
DAYS = (JANUARY, EARLY, FEBRUARY, MARCH)
FIRST_DAY = {"current": 0, "1-29": 5, "30-59": 31, "60-89": 61}


def opened(account_id: str, on: date = date(2026, 1, 5), currency: str = "EUR", **more: Any) -> AccountOpened:
    """An account of customer c<account>."""
    return AccountOpened(
        account_id=account_id,
        customer_id=f"c{account_id}",
        product="loan",
        currency=currency,
        policy="instalment",
        opened_on=on,
        **more,
    )


def status(
    kind: type[DelinquencyStatus],
    account_id: str,
    version: int,
    as_of: date,
    bucket: str,
    *,
    exposure: int,
    arrears: int = 0,
    currency: str = "EUR",
    **more: Any,
) -> DelinquencyStatus:
    """A status with amounts in minor units."""
    return kind(
        account_id=account_id,
        customer_id=f"c{account_id}",
        product="loan",
        version=version,
        as_of=as_of,
        days_past_due=FIRST_DAY[bucket],
        bucket=bucket,
        previous_bucket="current",
        delinquent=bucket != "current",
        arrears=Amount.of(arrears, currency),
        exposure=Amount.of(exposure, currency),
        policy="instalment",
        policy_version=1,
        cause="fact",
        reason="bill",
        **more,
    )


def aged(day: date, source: int) -> PortfolioAged:
    """One ingest shard has closed the day."""
    return PortfolioAged(business_date=day, source_shard=source, source_shards=SOURCES)


ACCOUNTS = [
    *(opened(f"a{n}") for n in (1, 2, 3, 4, 5, 7)),
    opened("a6", date(2026, 2, 10)),
    opened("j1", currency="JPY"),
]

REPAID: dict[str, Any] = {"repayment_id": "r1", "amount": Amount.of(10_000, "EUR"), "effective_on": EARLY}

STATUSES: dict[date, list[DelinquencyStatus]] = {
    JANUARY: [
        status(ArrearsChanged, "a1", 1, JANUARY, "current", exposure=100_000),
        status(DelinquencyEntered, "a2", 1, JANUARY, "1-29", exposure=50_000, arrears=10_000),
        status(DelinquencyEntered, "a3", 1, JANUARY, "1-29", exposure=30_000, arrears=15_000),
        status(DelinquencyRolled, "a3", 2, JANUARY, "30-59", exposure=30_000, arrears=20_000),
        status(DelinquencyEntered, "a5", 1, JANUARY, "60-89", exposure=0, arrears=5_000),
        status(ArrearsChanged, "a7", 1, JANUARY, "current", exposure=300_000),
        status(ArrearsChanged, "j1", 1, JANUARY, "current", exposure=10_000, currency="JPY"),
    ],
    # Ingest assesses what arrives after a close as of that close: the as-of date is still January's.
    EARLY: [
        status(DelinquencyCured, "a2", 2, JANUARY, "current", exposure=40_000, through="repayment"),
        status(
            RepaymentApplied,
            "a2",
            3,
            JANUARY,
            "current",
            exposure=40_000,
            applied_to_arrears=Amount.of(10_000, "EUR"),
            **REPAID,
        ),
        status(DelinquencyRolled, "a3", 3, EARLY, "60-89", exposure=30_000, arrears=25_000),
    ],
    FEBRUARY: [
        status(DelinquencyEntered, "a1", 2, FEBRUARY, "1-29", exposure=100_000, arrears=8_000),
        status(DelinquencyCured, "a3", 4, EARLY, "current", exposure=0, through="closure", state="closed"),
        status(ArrearsChanged, "a5", 2, EARLY, "60-89", exposure=0, arrears=5_000, state="written-off"),
        status(ArrearsChanged, "a4", 1, EARLY, "current", exposure=70_000),
    ],
    MARCH: [],
}


def lanes(day: date) -> Iterable[tuple[int, int, list[Contract]]]:
    """The day as (partition, ingest shard, statuses and the day's end): an account always takes the same lane."""
    for partition in range(2):
        for source in range(SOURCES):
            mine: list[Contract] = [s for s in STATUSES[day] if lane_of(s.account_id) == (partition, source)]
            yield partition, source, [*mine, aged(day, source)]


def lane_of(account_id: str) -> tuple[int, int]:
    """Partition of the customer and ingest shard of the account."""
    number = int(account_id[1:])
    return number % 2, number // 2 % 2
