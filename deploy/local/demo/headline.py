"""The few numbers at the top: what happened, which is the same for the same seed, and how fast, which is not."""

from collections import Counter
from collections.abc import Mapping

from deploy.local.demo.figures import Figures
from deploy.local.demo.tables import money, percent
from deploy.local.demo.year import Year
from shared.vocabulary.money import minor_units

Fact = tuple[str, str]


def facts(year: Year, figures: Figures) -> list[Fact]:
    """What happened."""
    published, messages = figures.scope.published, Counter(m.channel for m in year.mailroom.messages)
    return [
        ("facts published", f"{sum(published.values()):,}"),
        ("events between services", f"{sum(figures.emitted.values()):,}"),
        ("business days closed", f"{len(year.lender.business_days)}"),
        ("SMS sent", f"{messages['sms']:,}"),
        ("emails sent", f"{messages['email']:,}"),
        ("calls made", f"{len(year.collectors.calls):,}"),
        *((f"30+ at the end, {currency}", _late(figures, currency)) for currency in figures.currencies),
        *((f"recovered, {currency}", _recovered(figures, currency)) for currency in figures.currencies),
        ("dead letters", f"{sum(map(len, figures.letters.values()))}"),
    ]


def speed(year: Year, spent_s: Mapping[str, float]) -> list[Fact]:
    """How fast it went."""
    took = spent_s["the simulated time"]
    count = year.publisher.published.total()
    return [
        ("simulated in", f"{took:.1f} s, {1000 * took / len(year.lender.business_days):.0f} ms a business day"),
        ("facts a second", f"{count / took:,.0f}"),
    ]


def _late(figures: Figures, currency: str) -> str:
    rows = [
        row for row in figures.metrics["delinquency_rate"] if row["currency"] == currency and row["threshold"] == 30
    ]
    return percent(rows[-1]["delinquent_accounts"], rows[-1]["accounts"]) if rows else "–"


def _recovered(figures: Figures, currency: str) -> str:
    rows = figures.metrics["resolution_rate"]
    minor = sum(minor_units(row["applied_amount"], currency) for row in rows if row["currency"] == currency)
    return money(minor, currency)
