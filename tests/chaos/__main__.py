"""Runs the history in peace and under faults, and compares.

python -m tests.chaos --events 10000 --faults 10
"""

import json
import shutil
import time
from datetime import date
from pathlib import Path
from typing import Annotated

import typer
import uvloop

from deploy.local.folder import LOCAL
from deploy.local.portfolio.lender import Lender
from tests.chaos.faults import blows
from tests.chaos.history import History, Left

EVENTS_A_CUSTOMER = {1: 7.8, 12: 44.8}
"""By months of history, as the portfolio makes them."""
LONG_HISTORY = 100_000
DIFFERENCES_SHOWN = 5


def _lender(events: int, seed: int) -> Lender:
    months = 12 if events >= LONG_HISTORY else 1
    customers = max(50, round(events / EVENTS_A_CUSTOMER[months]))
    return Lender(seed=seed, customers=customers, months=months, start=date(2025, 1, 1))


def _differences(peace: Left, chaos: Left) -> list[str]:
    """A few of what differs, by name."""
    found = []
    for name in peace:
        one, other = peace[name], chaos[name]
        if one == other:
            continue
        if isinstance(one, list) and isinstance(other, list):
            before, after = {json.dumps(r, default=str) for r in one}, {json.dumps(r, default=str) for r in other}
            found += [f"{name}: only in peace {row}" for row in sorted(before - after)[:DIFFERENCES_SHOWN]]
            found += [f"{name}: only under faults {row}" for row in sorted(after - before)[:DIFFERENCES_SHOWN]]
            found.append(f"{name}: {len(one)} rows in peace, {len(other)} under faults")
        else:
            found.append(f"{name}: {one} in peace, {other} under faults")
    return found


async def _run(folder: Path, events: int, seed: int, faults: int) -> tuple[History, Left]:
    shutil.rmtree(folder, ignore_errors=True)
    lender = _lender(events, seed)
    plan = blows(seed, len(lender.business_days), faults)
    begun = time.monotonic()
    history = History(folder, lender, plan, lambda line: typer.echo(f"  {line}"))
    left = await history.run()
    folder.with_suffix(".json").write_text(json.dumps(left, indent=1, default=str), encoding="utf-8")
    spent_s = time.monotonic() - begun
    typer.echo(f"{history.published:,} events, {history.struck.total()} faults, {spent_s:.0f} s")
    return history, left


def main(
    events: Annotated[int, typer.Option(min=500, help="about so many facts")] = 1_000_000,
    faults: Annotated[int, typer.Option(min=1)] = 200,
    seed: int = 7,
    folder: Annotated[Path, typer.Option(help="where the systems keep their data")] = LOCAL / "chaos",
) -> None:
    """Exits with 1 when the two runs leave different things; what each left is kept in the folder, as JSON."""
    typer.echo("in peace")
    _, peace = uvloop.run(_run(folder / "peace", events, seed, 0))
    typer.echo("under faults")
    history, chaos = uvloop.run(_run(folder / "faults", events, seed, faults))
    for what, count in sorted(history.struck.items()):
        typer.echo(f"  {what}: {count}")
    typer.echo(f"attempts of unknown fate: {history.unknown}, of which not sent, and planned again: {history.not_sent}")
    differing = _differences(peace, chaos)
    for line in differing:
        typer.echo(line)
    compared = sum(len(rows) for rows in peace.values() if isinstance(rows, list))
    typer.echo("DIFFERENT" if differing else f"the same: {len(peace)} results, {compared:,} rows")
    raise typer.Exit(1 if differing else 0)


if __name__ == "__main__":
    typer.run(main)
