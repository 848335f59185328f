"""Showing how far the simulated time is: a live bar at a terminal, a line a month elsewhere."""

from time import monotonic
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from deploy.local.demo.year import Step


class Showing:
    """Follows the steps of a year."""

    def __init__(self, console: Console, days: int) -> None:
        self._console = console
        self._days = days
        self._done = 0
        self._started = monotonic()
        self._month = 0
        text = "{task.fields[said]}"
        columns = (TextColumn("{task.description}"), BarColumn(24), TextColumn(text), TimeElapsedColumn())
        self._progress = Progress(*columns, console=console, disable=not console.is_terminal, refresh_per_second=5)
        self._bar = self._progress.add_task("simulating", total=days, said="")

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def step(self, step: Step, share_behind: float) -> None:
        """One business day is through."""
        self._done += 1
        rate = step.facts / max(monotonic() - self._started, 0.001)
        said = (
            f"{step.facts:,} facts, {rate:,.0f}/s, {100 * share_behind:.1f} % behind, "
            f"{step.messages:,} messages, {step.calls:,} calls"
        )
        self._progress.update(self._bar, advance=1, description=f"{step.day:%d %b %Y}", said=said)
        if not self._console.is_terminal and (step.day.month != self._month or self._done == self._days):
            self._month = step.day.month
            self._console.print(f"{step.day}  {said}", highlight=False)
