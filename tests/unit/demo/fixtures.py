"""Answers of a small, made-up system, as the services' APIs give them."""

from datetime import date
from typing import Any

from deploy.local.demo.figures import Figures, Scope
from deploy.local.demo.story import Moment, Story

DAYS = ("2025-01-30", "2025-01-31", "2025-02-03", "2025-02-28")


def rate(day: str, threshold: int, late: int) -> dict[str, Any]:
    return {
        "business_date": day, "currency": "EUR", "threshold": threshold, "delinquent_accounts": late, "accounts": 200,
        "delinquent_amount": "100.00", "balance_amount": "2000.00", "rate_accounts": late / 200, "rate_amount": 0.05,
    }  # fmt: skip


def roll(start: str, end: str, accounts: int) -> dict[str, Any]:
    return {
        "from_date": "2025-01-31", "to_date": "2025-02-28", "currency": "EUR", "from_bucket": start, "to_bucket": end,
        "accounts": accounts,
    }  # fmt: skip


def resolved(day: str, opening: str, newly: str, applied: str, closing: str) -> dict[str, Any]:
    return {
        "business_date": day, "currency": "EUR", "opening_arrears_amount": opening, "newly_overdue_amount": newly,
        "applied_amount": applied, "closing_arrears_amount": closing,
    }  # fmt: skip


def contacts(channel: str, requested: int, attempted: int) -> dict[str, Any]:
    stages = ("suppressed", "delivered", "failed", "reached", "right_party", "promised")
    return {"channel": channel, "requested": requested, "attempted": attempted, **dict.fromkeys(stages, 1)}


def totals(suffix: str) -> list[dict[str, Any]]:
    rows = (("open", "current", 150, "0.00", "90000.00"), ("open", "1-29", 50, "1234.56", "8000.00"))
    return [
        {
            "currency": "EUR", "state": state, "bucket": bucket, "accounts": accounts, f"arrears{suffix}": arrears,
            f"exposure{suffix}": exposure,
        }
        for state, bucket, accounts, arrears, exposure in rows
    ]  # fmt: skip


def figures() -> Figures:
    """A lender with 200 accounts after two months."""
    return Figures(
        scope=Scope(150, 200, 2, 7, date(2025, 1, 1), date(2025, 2, 28), {"banking.billing": 10}),
        metrics={
            "delinquency_rate": [rate(day, t, 40 // t + i) for i, day in enumerate(DAYS) for t in (1, 30, 60, 90)],
            "roll_matrix": [roll("current", "current", 90), roll("current", "1-29", 10), roll("30-59", "60-89", 4)],
            "cure_rate_monthly": [
                {
                    "to_date": "2025-02-28", "currency": "EUR", "delinquent_accounts": 40, "cured_accounts": 30,
                    "reaged_accounts": 2, "otherwise_accounts": 1, "rate_accounts": 0.75,
                }
            ],
            "resolution_rate": [
                resolved("2025-02-03", "100.00", "50.00", "30.00", "120.00"),
                resolved("2025-02-28", "120.00", "10.00", "50.00", "80.00"),
            ],
            "recovery": [],
            "contact_funnel": [contacts("sms", 10, 8), contacts("sms", 5, 5), contacts("email", 4, 4)],
            "contact_suppressions": [{"rule": "default.hours<", "channel": "sms", "suppressed": 3}],
            "promises_kept": [
                {"currency": "EUR", "made": 5, "kept": 3, "broken": 1, "paid_amount": "30.00", "judged_amount": "40.00"}
            ],
        },
        reporting={"closed": totals("_amount")},
        ledgers={"totals": totals(""), "facts": {"billed": 7, "balance": 1}, "facts_waiting": 0},
        attempts=[{"channel": "sms", "state": "delivered", "attempts": 13}],
        shards={
            "ingest": [{"offsets": {"banking.billing": 10}, "counters": {"duplicate": 1}, "emitted": 4}],
            "strategy": [], "contact": [], "reporting": [],
        },
        letters={
            "ingest": [{"topic": "banking.billing", "reason": "not_json"}], "strategy": [], "contact": [],
            "reporting": [],
        },
        story=Story("C1", ("A1",), (Moment("2025-02-03T09:30", "contact", "sms: delivered", "a < b"),)),
        emitted={"ingest": 4},
    )  # fmt: skip
