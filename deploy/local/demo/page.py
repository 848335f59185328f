"""The report as one HTML file that needs nothing else: no scripts, no fonts, no pictures from elsewhere.

What depends on the machine or the moment (times, addresses) stands in its footer alone; the rest is the same for the
same seed, byte for byte.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from deploy.local.demo import charts, tables
from deploy.local.demo.checks import Check
from deploy.local.demo.figures import Figures
from deploy.local.demo.tables import THRESHOLDS, Table

TEMPLATES: Final = Path(__file__).with_name("templates")


@dataclass(frozen=True)
class Section:
    """A heading, a chart where there is one, and the tables with the numbers."""

    title: str
    text: str
    chart: Markup | None
    tables: tuple[Table, ...]


def page(figures: Figures, headline: Sequence[tuple[str, str]], checks: Sequence[Check], footer: Sequence[str]) -> str:
    """The whole file."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True, keep_trailing_newline=True,
    )  # fmt: skip
    template = environment.get_template("report.html.j2")
    return template.render(
        scope=figures.scope, headline=headline, checks=checks, sections=list(sections(figures)), footer=footer
    )


def sections(figures: Figures) -> Iterator[Section]:
    """The sections in order."""
    for currency in figures.currencies:
        yield Section(
            f"Delinquency, {currency}",
            "Share of accounts at or over so many days past due, at the close of each business day.",
            _rates(figures, currency),
            (tables.delinquency(figures, currency),),
        )
    for currency in figures.currencies:
        table = tables.roll_matrix(figures, currency)
        yield Section(f"Roll matrix, {currency}", table.note, _rolls(table), (table,))
    money = tuple(of(figures, currency) for currency in figures.currencies for of in (tables.cures, tables.recovery))
    yield Section("Cures and recovery", "Who came back, and the money that brought them back.", None, money)
    funnel, refused = tables.funnel(figures), tables.refusals(figures)
    yield Section("Contacts", funnel.note, _funnel(funnel), (funnel, tables.promises(figures)))
    text = "The gate decides again at the moment of sending; what it did not allow was not sent."
    yield Section("What was not sent, and why", text, _refused(refused), (refused,))
    story = tables.story(figures)
    if story is not None:
        yield Section("One customer's way", "Each step with the rule and what it saw.", None, (story,))
    letters = (tables.dead_letters(figures), tables.events(figures))
    yield Section("Dead letters and traffic", "Bad records are kept with a reason; the rest goes on.", None, letters)


def _rates(figures: Figures, currency: str) -> Markup:
    lines = {f"{threshold}+": tables.series(figures, currency, threshold) for threshold in THRESHOLDS}
    return charts.line_chart(f"Delinquency rate by accounts, {currency}", lines)


def _rolls(table: Table) -> Markup:
    rows = [(row[0], [_share(cell) for cell in row[2:]]) for row in table.rows]
    return charts.matrix(table.title, table.columns[2:], rows)


def _share(cell: str) -> float | None:
    return float(cell.removesuffix(" %")) / 100 if cell.endswith("%") else None


def _funnel(table: Table) -> Markup:
    bars = [
        (f"{row[0]} {stage}", float(count.replace(",", "")), count)
        for row in table.rows
        for stage, count in zip(table.columns[1:-1], row[1:-1], strict=True)
        if count != "0"
    ]
    return charts.bar_chart(table.title, bars)


def _refused(table: Table) -> Markup:
    return charts.bar_chart(table.title, [(f"{r} ({c})", float(n.replace(",", "")), n) for r, c, n in table.rows[:12]])
