"""The course of the demo: system up, the year, checks, report; then stay or stop. Exit status 1 if a check fails."""

import asyncio
import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from time import monotonic
from typing import Any

from rich.console import Console

from deploy.local.demo import checking, headline, page, story, terminal
from deploy.local.demo.checks import Check
from deploy.local.demo.collectors import Collectors
from deploy.local.demo.debtors import Debtors
from deploy.local.demo.ends import TopicEnds
from deploy.local.demo.figures import Figures, Scope, gather
from deploy.local.demo.lines import Lines
from deploy.local.demo.mailroom import Mailroom
from deploy.local.demo.quiet import Quiet
from deploy.local.demo.show import Showing
from deploy.local.demo.year import Year
from deploy.local.environments import Options
from deploy.local.folder import clean
from deploy.local.portfolio.accounts import SLOTS, account
from deploy.local.portfolio.lender import Lender
from deploy.local.portfolio.publish import Publisher
from deploy.local.supervisor import LocalSystem

START = date(2025, 1, 1)


@dataclass
class Demo:
    """One demonstration. The system's data lie in a folder of their own and are made anew each time."""

    console: Console
    customers: int
    months: int
    seed: int
    folder: Path
    keep: bool
    spent_s: dict[str, float] = field(default_factory=dict)

    async def run(self) -> bool:
        """Whether every check held."""
        running = asyncio.current_task()
        assert running is not None
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, running.cancel)
        system_folder = self.folder / "demo"
        if system_folder.exists():
            clean(system_folder)
        options = Options(clock="simulated", partitions=2, log_level="warning")
        starting = monotonic()
        async with LocalSystem(system_folder, options=options, tell=self._tell) as system:
            self.spent_s["start of the system"] = monotonic() - starting
            held = await self._unless_trouble(system)
            if self.keep:
                self.console.print("\nStill running; Ctrl-C stops everything.")
                await self._stay(system)
        return held

    async def _unless_trouble(self, system: LocalSystem) -> bool:
        """The work, given up when a part of the system cannot be kept running."""
        work = asyncio.create_task(self._work(system))
        waits: set[asyncio.Future[Any]] = {work, system.trouble}
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            if not work.done():
                await system.trouble
            return await work
        finally:
            work.cancel()

    async def _work(self, system: LocalSystem) -> bool:
        lender = Lender(seed=self.seed, customers=self.customers, months=self.months, start=START)
        lines = Lines.to(system.addresses)
        try:
            year = await self._simulate(lender, lines, system.addresses.kafka)
            with self._phase("questions"):
                figures = await gather(lines, self._scope(year))
                callers = [call.customer_id for call in year.collectors.calls if call.said.promise_in_days]
                figures.story = await story.tell(lines, callers)
            with self._phase("checks"):
                checks = checking.all_checks(year, figures)
            with self._phase("report"):
                self._report(year, figures, checks, system)
        finally:
            lines.close()
        return not any(one.failures for one in checks)

    async def _simulate(self, lender: Lender, lines: Lines, bootstrap: str) -> Year:
        debtors = Debtors(lender)
        async with (
            Publisher(bootstrap) as publisher,
            TopicEnds(bootstrap) as ends,
        ):
            year = Year(
                lender=lender,
                publisher=publisher,
                quiet=Quiet(lines.services, lines.gateway, ends),
                mailroom=Mailroom(lines.gateway, lines.inbox),
                collectors=Collectors(lines.contact.url, debtors),
                debtors=debtors,
            )
            with self._phase("the simulated time"), Showing(self.console, len(lender.business_days)) as showing:
                try:
                    await year.run(lambda step: showing.step(step, lender.share_behind(step.day)))
                finally:
                    year.collectors.close()
        return year

    def _scope(self, year: Year) -> Scope:
        lender = year.lender
        slots = range(lender.customers * SLOTS)
        return Scope(
            customers=lender.customers,
            accounts=sum(account(lender.seed, slot) is not None for slot in slots),
            months=self.months,
            seed=self.seed,
            first=lender.business_days[0],
            last=lender.business_days[-1],
            published=dict(year.publisher.published),
        )

    def _report(self, year: Year, figures: Figures, checks: Sequence[Check], system: LocalSystem) -> None:
        facts = headline.facts(year, figures)
        file = self.folder / "report.html"
        file.write_text(page.page(figures, facts, checks, self._footer(year, system)), encoding="utf-8")
        terminal.show_report(self.console, figures, [*facts, *headline.speed(year, self.spent_s)])
        self.console.print("\n[bold]Checked")
        terminal.show_checks(self.console, checks)
        terminal.show_spent(self.console, self.spent_s, year.spent_s)
        self.console.print(f"\nReport: {file.absolute()}", soft_wrap=True, highlight=False)
        if self.keep:
            terminal.show_addresses(self.console, system.addresses)

    def _footer(self, year: Year, system: LocalSystem) -> list[str]:
        """What differs from run to run."""
        lines = [f"{name}: {value}" for name, value in headline.speed(year, self.spent_s)]
        if self.keep:
            lines += [f"{name}: {url}" for name, url in system.addresses.http.items()]
        return lines

    async def _stay(self, system: LocalSystem) -> None:
        try:
            await system.trouble
        except asyncio.CancelledError:
            self.console.print("stopping")

    def _tell(self, line: str) -> None:
        self.console.print(line, style="dim", markup=False, highlight=False)

    @contextmanager
    def _phase(self, name: str) -> Iterator[None]:
        started = monotonic()
        yield
        self.spent_s[name] = monotonic() - started
