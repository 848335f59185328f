"""Every account made anew from its facts: compared beside the live ones, and as the job of an activation.

    python -m tests.bench.reassessment [--accounts N] [--months N] [--workers N] [--json FILE]

Three ways: a replay from facts (what `reassess` does); an activation that changes how money is distributed, so that
each account takes all its facts; and one that changes buckets only. Memory is the peak of the largest process that
works on accounts, after a tenth of them and after all. On a busy machine the processor time an account takes, here
and in the database, says more than the clock.
"""

import multiprocessing
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final

import typer
import uvloop

from services.ingest import job_store
from services.ingest.packs import as_written, load
from services.ingest.replay import Replay
from shared.runtime import logs
from shared.runtime.main import collect_seldom
from tests.bench.portfolio import Portfolio, portfolio
from tests.bench.printed import printed
from tests.bench.processor import database_s, postmaster_of

POLICY: Final = "instalment"


async def replayed(book: Portfolio, accounts: int, workers: int) -> dict[str, float]:
    """All accounts compared with what their facts come to."""
    meter = Meter(accounts, await postmaster_of(book.engine))
    report = await Replay(book.engine, book.url, book.policies, workers, meter.told).run(apply=False)
    if not report.same or report.accounts != accounts:
        raise AssertionError(f"{report.accounts} accounts, {report.differing} differ: {report.examples[:3]}")
    return meter.rates()


async def activated(book: Portfolio, accounts: int, change: dict[str, Any]) -> dict[str, float]:
    """Another version in force, and every account it governs re-assessed by its shard."""
    async with book.engine.begin() as connection:
        tx = await book.transaction(connection)
        await book.policies.register(tx)
        body = as_written(next(d for d in load().documents if d.name == POLICY))
        body = {k: v for k, v in body.items() if k != "version"} | {"ageing": body["ageing"] | change}
        document, _ = await book.policies.draft(tx, POLICY, body, "anna")
        await book.policies.activate(tx, POLICY, document.version, "ben")
        job_id = await job_store.insert(connection, "activation", POLICY, document.version, "ben", tx.now)
        await job_store.spread(connection, job_id, POLICY, 1)
    meter, done = Meter(accounts, await postmaster_of(book.engine)), 0
    while await book.work_a_chunk():
        done += 2_000
        meter.told("accounts", done, accounts)
    return meter.rates()


@dataclass
class Meter:
    """Time, processor time and memory from its making on."""

    accounts: int
    postmaster: int
    early_mb: float = 0.0
    late_mb: float = 0.0

    def __post_init__(self) -> None:
        self.begun, self.cpu_begun, self.db_begun = time.perf_counter(), _cpu_s(), database_s(self.postmaster)

    def told(self, _: str, done: int, total: int) -> None:
        """So many accounts are done."""
        pids = [os.getpid(), *[child.pid for child in multiprocessing.active_children() if child.pid]]
        self.late_mb = max(map(_peak_mb, pids))
        if done <= total / 10 or not self.early_mb:
            self.early_mb = self.late_mb

    def rates(self) -> dict[str, float]:
        """All of them are."""
        us = (time.perf_counter() - self.begun) * 1e6 / self.accounts
        cpu_us = (_cpu_s() - self.cpu_begun) * 1e6 / self.accounts
        database_us = (database_s(self.postmaster) - self.db_begun) * 1e6 / self.accounts
        rates = {"accounts_per_s": 1e6 / us, "us_per_account": us}
        rates |= {"cpu_us_per_account": cpu_us, "database_cpu_us_per_account": database_us}
        return {**rates, "peak_mb_at_a_tenth": self.early_mb, "peak_mb": self.late_mb}


def _cpu_s() -> float:
    """Of this process and of those it started that have ended."""
    return sum(os.times()[:4])


def _peak_mb(pid: int) -> float:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except FileNotFoundError:
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM")), 0.0)


async def measure(accounts: int, months: int, workers: int) -> dict[str, dict[str, float]]:
    """All three on the same accounts."""
    coarse = [{"name": "current", "from": 0, "to": 0}, {"name": "late", "from": 1}]
    async with portfolio(accounts, months, with_facts=True) as book:
        return {
            "replay from facts": await replayed(book, accounts, workers),
            "activation, other buckets": await activated(book, accounts, {"buckets": coarse}),
            "activation, other surplus": await activated(book, accounts, {"surplus": "settles_balance"}),
        }


def main(
    accounts: Annotated[int, typer.Option(min=100)] = 1_000_000,
    months: Annotated[int, typer.Option(min=1, help="three facts a month")] = 12,
    workers: Annotated[int, typer.Option(min=1)] = 2,
    json_file: Annotated[Path | None, typer.Option("--json", help="write the figures here too")] = None,
) -> None:
    """Measure and print."""
    logs.configure("bench", "warning")
    collect_seldom()
    title = f"re-assessment, {accounts:,} accounts with {2 + 3 * months} facts each"
    printed(title, uvloop.run(measure(accounts, months, workers)), json_file)


if __name__ == "__main__":
    typer.run(main)
