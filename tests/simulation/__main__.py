"""Runs seeds, on all processors; a failing one prints the smallest trace that fails.

python -m tests.simulation --seeds 10000
python -m tests.simulation --seed 4711
"""

import os
import time
from typing import Annotated

import typer

from tests.simulation.broken import BROKEN
from tests.simulation.run import Finding, check, failing
from tests.simulation.world import Parts

TRACE_LINES_MAX = 80


def told(found: Finding) -> str:
    """What failed, under which faults, and the end of what happened."""
    left_out = max(0, len(found.trace) - TRACE_LINES_MAX)
    lines = [f"seed {found.plan.seed}: {found.complaint}", "faults needed:", *map(str, found.plan.strikes)]
    lines += [f"trace ({left_out} lines before left out):"] if left_out else ["trace:"]
    lines += [f"{at_s:8.3f} {what}" for at_s, what in found.trace[left_out:]]
    return "\n".join([*lines, f"again: python -m tests.simulation --seed {found.plan.seed}"])


def _soak(first: int, seeds: int, workers: int) -> list[int]:
    found = []
    for done, failed in enumerate(failing(range(first, first + seeds), workers), 1):
        if failed is not None:
            found.append(failed)
        if done % 1000 == 0:
            typer.echo(f"{done} of {seeds} seeds, {len(found)} failed")
    return found


def main(
    seed: Annotated[int | None, typer.Option(help="run this one alone and print what fails")] = None,
    seeds: Annotated[int, typer.Option(min=1, help="how many")] = 1000,
    first: Annotated[int, typer.Option(help="from which on")] = 0,
    workers: Annotated[int, typer.Option(min=1)] = os.cpu_count() or 1,
    without: Annotated[str | None, typer.Option(help=f"a rule to leave out: {', '.join(BROKEN)}")] = None,
) -> None:
    """Simulate; exits with 1 when an invariant is broken."""
    if seed is not None:
        found = check(seed, BROKEN[without] if without else Parts)
        typer.echo(told(found) if found else f"seed {seed}: all invariants hold")
        raise typer.Exit(1 if found else 0)
    begun = time.perf_counter()
    failed = _soak(first, seeds, workers)
    spent_s = time.perf_counter() - begun
    typer.echo(f"{seeds} seeds in {spent_s:.0f} s, {seeds / spent_s:.0f} seeds/s on {workers} processors")
    for one in failed[:1]:
        found = check(one)
        typer.echo(told(found) if found else f"seed {one} failed once and holds now: not deterministic")
    if failed:
        typer.echo(f"failed: {', '.join(map(str, sorted(failed)))}")
        raise typer.Exit(1)


if __name__ == "__main__":
    typer.run(main)
