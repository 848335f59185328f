"""`python -m deploy.local.demo`: the whole demonstration, from nothing to a checked report. `make demo` calls it."""

import asyncio
import os
import sys
from pathlib import Path
from typing import Annotated

import typer
import uvloop
from rich.console import Console

from deploy.local.demo.demo import Demo
from deploy.local.demo.line import AwayError, RefusedError
from deploy.local.demo.quiet import StuckError
from deploy.local.folder import FolderBusyError
from deploy.local.jars import JarsError
from deploy.local.keeper import GaveUpError
from deploy.local.program import ProgramError
from shared.vocabulary.errors import Misconfigured

Customers = Annotated[int, typer.Option(min=20, envvar="CUSTOMERS")]
Months = Annotated[int, typer.Option(min=1, max=120, envvar="MONTHS")]
EXPECTED = (Misconfigured, StuckError, AwayError, RefusedError, FolderBusyError, GaveUpError, ProgramError, JarsError)


def main(
    customers: Customers = 5_000,
    months: Months = 12,
    seed: Annotated[int, typer.Option(envvar="SEED")] = 7,
    folder: Annotated[Path, typer.Option(help="where the system keeps its data and the report goes")] = Path(".local"),
    keep: Annotated[bool | None, typer.Option(help="stay up afterwards; by default at a terminal")] = None,
) -> None:
    """Simulate a lender's year on a real local system, check it, and report."""
    if keep is None:
        keep = sys.stdout.isatty() and os.environ.get("KEEP", "1") != "0"
    console = Console(width=None if sys.stdout.isatty() else 140, soft_wrap=False)
    demo = Demo(console, customers=customers, months=months, seed=seed, folder=folder, keep=keep)
    try:
        held = uvloop.run(demo.run())
    except EXPECTED as error:
        console.print(f"[red]the demo failed:[/] {error}", highlight=False)
        raise SystemExit(1) from None
    except (KeyboardInterrupt, asyncio.CancelledError):
        raise SystemExit(130) from None
    raise SystemExit(0 if held else 1)


if __name__ == "__main__":
    typer.run(main)
