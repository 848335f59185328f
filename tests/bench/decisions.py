"""How many decisions a second: strategy's on cases, and contact's gate on requests.

    python -m tests.bench.decisions [--cases N] [--json FILE]

What each row is: strategy_decisions.py and gate_decisions.py.
"""

from pathlib import Path
from typing import Annotated

import typer
import uvloop

from shared.runtime import logs
from tests.bench import gate_decisions, strategy_decisions
from tests.bench.printed import machine, printed


async def measure(cases: int) -> dict[str, dict[str, float]]:
    """One after the other, each on a database of its own."""
    return await strategy_decisions.measure(cases) | await gate_decisions.measure(cases)


def main(
    cases: Annotated[int, typer.Option(min=100)] = 20_000,
    json_file: Annotated[Path | None, typer.Option("--json", help="write the figures here too")] = None,
) -> None:
    """Measure and print."""
    logs.configure("bench", "warning")
    found = uvloop.run(measure(cases))
    title = f"decisions, {cases:,} cases, {machine()}"
    printed(title, found, json_file)


if __name__ == "__main__":
    typer.run(main)
