"""The report's tables, made from the figures: plain texts in rows, the same for the terminal and the page."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from typing import Final

from deploy.local.demo.figures import Figures, Row
from shared.vocabulary.money import decimal_text, minor_units

THRESHOLDS: Final = (1, 30, 60, 90)
STAGES: Final = ("requested", "suppressed", "attempted", "delivered", "failed", "reached", "right_party", "promised")
BUCKETS: Final = (
    "new", "current", "1-29", "30-59", "60-89", "90-119", "120-149", "150-179", "180+", "written-off", "closed",
)  # fmt: skip


@dataclass(frozen=True)
class Table:
    """`left` columns hold words, the others numbers."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""
    left: int = 1


def percent(part: float, whole: float) -> str:
    """A share with one decimal; a dash of nothing."""
    return f"{100 * part / whole:.1f} %" if whole else "–"


def money(minor: int, currency: str) -> str:
    """An amount with thousands apart."""
    whole, point, cents = decimal_text(minor, currency).partition(".")
    return f"{int(whole):,}{point}{cents} {currency}"


def month_ends(rows: Iterable[Row]) -> list[str]:
    """The last closed day of each month."""
    days = sorted({row["business_date"] for row in rows})
    return [list(of)[-1] for _, of in groupby(days, key=lambda day: day[:7])]


def delinquency(figures: Figures, currency: str) -> Table:
    """Share of accounts and of money at or over each threshold, at month ends."""
    rows = [row for row in figures.metrics["delinquency_rate"] if row["currency"] == currency]
    by_place = {(row["business_date"], row["threshold"]): row for row in rows}
    out = []
    for day in month_ends(rows):
        found = [by_place[day, threshold] for threshold in THRESHOLDS]
        shares = [percent(row["delinquent_accounts"], row["accounts"]) for row in found]
        amounts = [_percent_rate(row["rate_amount"]) for row in found]
        out.append((day, f"{found[0]['accounts']:,}", *shares, *amounts))
    thresholds = [f"{threshold}+" for threshold in THRESHOLDS]
    return Table(
        f"Delinquency rate at month ends, {currency}",
        ("month end", "accounts", *thresholds, *(f"{name} of balance" for name in thresholds)),
        tuple(out),
        "Accounts at or over so many days past due / all accounts on the books; then the same weighted by balance.",
    )


def roll_matrix(figures: Figures, currency: str) -> Table:
    """From where to where accounts moved between the last two month ends, as shares of each row."""
    rows = [row for row in figures.metrics["roll_matrix"] if row["currency"] == currency]
    to = _in_order(rows, "to_bucket")
    cells = {(row["from_bucket"], row["to_bucket"]): row for row in rows}
    out = []
    for start in _in_order(rows, "from_bucket"):
        total = sum(row["accounts"] for (origin, _), row in cells.items() if origin == start)
        shares = (percent(cells[start, end]["accounts"], total) if (start, end) in cells else "·" for end in to)
        out.append((start, f"{total:,}", *shares))
    dates = f"{rows[0]['from_date']} to {rows[0]['to_date']}" if rows else "no two month ends"
    return Table(
        f"Roll matrix {dates}, {currency}",
        ("from \\ to", "accounts", *to),
        tuple(out),
        "Of the accounts in a row's bucket at the first date, the share in each bucket at the second.",
    )


def _in_order(rows: list[Row], name: str) -> list[str]:
    """Buckets as reporting orders them: by their first day, then the states."""
    places = {row[name] for row in rows}
    return [place for place in BUCKETS if place in places] + sorted(places.difference(BUCKETS))


def cures(figures: Figures, currency: str) -> Table:
    """Of the accounts delinquent at a month end, those cured by the next."""
    rows = [row for row in figures.metrics["cure_rate_monthly"] if row["currency"] == currency]
    return Table(
        f"Cures from month end to month end, {currency}",
        ("month end", "delinquent before", "cured by repayment", "rate", "re-aged", "otherwise"),
        tuple(
            (
                row["to_date"],
                f"{row['delinquent_accounts']:,}",
                f"{row['cured_accounts']:,}",
                _percent_rate(row["rate_accounts"]),
                str(row["reaged_accounts"]),
                str(row["otherwise_accounts"]),
            )
            for row in rows
        ),
    )


def recovery(figures: Figures, currency: str) -> Table:
    """Money applied to arrears a month, and its share of what there was to resolve."""
    rows = [row for row in figures.metrics["resolution_rate"] if row["currency"] == currency]
    out = []
    for month, of in groupby(rows, key=lambda row: row["business_date"][:7]):
        days = list(of)
        opening, closing = _minor(days[0], "opening_arrears"), _minor(days[-1], "closing_arrears")
        newly, applied = (sum(_minor(day, name) for day in days) for name in ("newly_overdue", "applied"))
        amounts = (money(minor, currency) for minor in (opening, newly, applied, closing))
        out.append((month, *amounts, percent(applied, opening + newly)))
    return Table(
        f"Recovery by month, {currency}",
        ("month", "opening arrears", "newly overdue", "recovered", "closing arrears", "resolution rate"),
        tuple(out),
        "Resolution rate: repayments applied to arrears, net of what went back / (opening arrears + newly overdue).",
    )


def funnel(figures: Figures) -> Table:
    """What became of the contacts strategy asked for."""
    rows = figures.metrics["contact_funnel"]
    out = []
    for channel in sorted({row["channel"] for row in rows}):
        added = {stage: sum(row[stage] for row in rows if row["channel"] == channel) for stage in STAGES}
        counts = (f"{added[stage]:,}" for stage in STAGES)
        out.append((channel, *counts, percent(added["reached"], added["attempted"])))
    return Table(
        "Contact funnel by channel",
        ("channel", *(stage.replace("_", " ") for stage in STAGES), "contact rate"),
        tuple(out),
        "Suppressed: refused by the gate, withdrawn or expired. Contact rate: reached / attempted.",
    )


def refusals(figures: Figures) -> Table:
    """By which rule contacts were not made."""
    rows = figures.metrics["contact_suppressions"]
    counts: Counter[tuple[str, str]] = Counter()
    for row in rows:
        counts[row["rule"], row["channel"]] += row["suppressed"]
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return Table(
        "What was not sent, and why",
        ("rule", "channel", "contacts"),
        tuple((rule, channel, f"{count:,}") for (rule, channel), count in ordered),
        left=2,
    )


def promises(figures: Figures) -> Table:
    """Promises to pay and how they were judged."""
    out = []
    for currency in figures.currencies:
        rows = [row for row in figures.metrics["promises_kept"] if row["currency"] == currency]
        made, kept, broken = (sum(row[name] for row in rows) for name in ("made", "kept", "broken"))
        paid, judged = (sum(_minor(row, name) for row in rows) for name in ("paid", "judged"))
        rates = percent(kept, kept + broken), percent(paid, judged)
        out.append((currency, *(f"{count:,}" for count in (made, kept, broken)), *rates))
    columns = ("currency", "made", "kept", "broken", "kept of those judged", "money kept")
    return Table("Promises to pay", columns, tuple(out))


def dead_letters(figures: Figures) -> Table:
    """What the services could not use, by reason."""
    counts = Counter((letter["reason"], letter["topic"], name) for name, of in figures.letters.items() for letter in of)
    rows = [(reason, topic, name, str(count)) for (reason, topic, name), count in sorted(counts.items())]
    note = "A malformed record on a topic that several services read is a dead letter of each of them."
    return Table("Dead letters", ("reason", "topic", "service", "records"), tuple(rows), note, left=3)


def events(figures: Figures) -> Table:
    """Traffic of the whole run."""
    published = [(topic, "core banking", f"{count:,}") for topic, count in sorted(figures.scope.published.items())]
    emitted = [("its topics", name, f"{count:,}") for name, count in figures.emitted.items()]
    return Table("Events", ("topic", "from", "records"), (*published, *emitted), left=2)


def story(figures: Figures) -> Table | None:
    """One customer's way, line by line."""
    told = figures.story
    if told is None:
        return None
    rows = tuple((m.when.replace("T", " "), m.who, m.what, m.why) for m in told.moments)
    title = (
        f"Why: customer {told.customer_id}, account{'s' * (len(told.account_ids) > 1)} {', '.join(told.account_ids)}"
    )
    return Table(title, ("when", "known by", "what", "why"), rows, left=4)


def all_tables(figures: Figures) -> Iterator[Table]:
    """In the order of the report."""
    for currency in figures.currencies:
        yield delinquency(figures, currency)
    for currency in figures.currencies:
        yield roll_matrix(figures, currency)
    for of in (cures, recovery):
        for currency in figures.currencies:
            yield of(figures, currency)
    yield from (funnel(figures), refusals(figures), promises(figures), dead_letters(figures), events(figures))
    told = story(figures)
    if told is not None:
        yield told


def series(figures: Figures, currency: str, threshold: int) -> list[tuple[date, float]]:
    """The delinquency rate by accounts, day by day."""
    return [
        (date.fromisoformat(row["business_date"]), row["rate_accounts"] or 0.0)
        for row in figures.metrics["delinquency_rate"]
        if row["currency"] == currency and row["threshold"] == threshold
    ]


def _percent_rate(rate: float | None) -> str:
    return "–" if rate is None else f"{100 * rate:.1f} %"


def _minor(row: Row, name: str) -> int:
    return minor_units(str(row[f"{name}_amount"]), row["currency"])
