"""The report at a terminal."""

from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.table import Table as Shown
from rich.text import Text

from deploy.local.addresses import Addresses
from deploy.local.demo import tables
from deploy.local.demo.checks import Check
from deploy.local.demo.figures import Figures
from deploy.local.demo.tables import THRESHOLDS, Table

SHADES = "▁▂▃▄▅▆▇█"
POINTS = 52


def show_report(console: Console, figures: Figures, headline: Sequence[tuple[str, str]]) -> None:
    """All of it, in the order of the page."""
    console.rule("[bold]Recovery report")
    for name, value in headline:
        console.print(f"{name:>34}  [bold]{value}")
    for currency in figures.currencies:
        for threshold in THRESHOLDS[:2]:
            points = [share for _, share in tables.series(figures, currency, threshold)]
            if points:
                trend = f"{sparkline(points)}  {100 * points[-1]:.1f} %"
                console.print(f"{f'{threshold}+ days past due, {currency}':>34}  {trend}")
    for table in tables.all_tables(figures):
        console.print()
        console.print(shown(table))


def show_checks(console: Console, checks: Sequence[Check]) -> None:
    """Each check with its failures."""
    for one in checks:
        mark = "[red]✗[/]" if one.failures else "[green]✓[/]"
        console.print(f"  {mark} {one.name} [dim]({one.held})")
        for failure in one.failures[:20]:
            console.print(Text(f"      {failure}", style="red"))


def shown(table: Table) -> Shown:
    """A table as rich draws it."""
    drawn = Shown(title=table.title, title_justify="left", title_style="bold", caption=table.note or None)
    drawn.caption_justify = "left"
    for index, name in enumerate(table.columns):
        drawn.add_column(name, justify="left" if index < table.left else "right", overflow="fold")
    for row in table.rows:
        drawn.add_row(*map(Text, row))
    return drawn


def sparkline(points: Sequence[float]) -> str:
    """A series in one line of text: the mean of each stretch of it."""
    size = max(1, -(-len(points) // POINTS))
    means = [sum(part) / len(part) for part in (points[i : i + size] for i in range(0, len(points), size))]
    top = max(means) or 1
    return "".join(SHADES[min(len(SHADES) - 1, int(mean / top * len(SHADES)))] for mean in means)


def show_spent(console: Console, phases: Mapping[str, float], steps: Mapping[str, float]) -> None:
    """Where the time went."""
    console.print("\n[bold]Time")
    for name, took in phases.items():
        console.print(f"{name:>34}  {took:6.1f} s", highlight=False)
    for name, took in sorted(steps.items(), key=lambda item: -item[1]):
        console.print(f"{f'of the simulated time: {name}':>44}  {took:6.1f} s", style="dim", highlight=False)


def show_addresses(console: Console, addresses: Addresses) -> None:
    """What is still running."""
    console.print("\n[bold]Running")
    doors = {
        **{f"{name} API": f"{url}/docs" for name, url in addresses.http.items()},
        "SMS received": f"{addresses.sms_gateway}/messages",
        "emails received": f"{addresses.smtp_http}/messages",
        "Kafka": addresses.kafka,
        "PostgreSQL for BI": addresses.postgres["bi"].split("@")[1],
    }
    for name, address in doors.items():
        console.print(f"{name:>34}  {address}", highlight=False, soft_wrap=True)
