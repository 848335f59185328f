"""Every account made anew from its facts: compared beside the live ones, and as the job of an activation.

    python -m tests.bench.reassessment [--accounts N] [--months N] [--workers N] [--json FILE]

Three ways: a replay from facts (what `reassess` does); an activation that changes how money is distributed, so that
each account takes all its facts; and one that changes buckets only. Memory is the peak of this process after a tenth of
the chunks and after all.
"""

import resource
import time
from pathlib import Path
from typing import Annotated, Any, Final

import typer
import uvloop

from services.ingest import job_store
from services.ingest.packs import load
from services.ingest.policies import written
from services.ingest.replay import Replay
from shared.runtime import logs
from shared.runtime.main import collect_seldom
from tests.bench.portfolio import Portfolio, portfolio
from tests.bench.printed import printed

POLICY: Final = "instalment"


async def replayed(book: Portfolio, accounts: int, workers: int) -> dict[str, float]:
    """All accounts compared with what their facts come to."""
    begun = time.perf_counter()
    report = await Replay(book.engine, book.url, book.policies, workers, lambda *_: None).run(apply=False)
    seconds = time.perf_counter() - begun
    if not report.same or report.accounts != accounts:
        raise AssertionError(f"{report.accounts} accounts, {report.differing} differ: {report.examples[:3]}")
    return _rates(accounts, seconds)


async def activated(book: Portfolio, accounts: int, change: dict[str, Any]) -> dict[str, float]:
    """Another version in force, and every account it governs re-assessed by its shard."""
    async with book.engine.begin() as connection:
        tx = await book.transaction(connection)
        await book.policies.register(tx)
        body = written(next(d for d in load().documents if d.name == POLICY))
        body = {k: v for k, v in body.items() if k != "version"} | {"ageing": body["ageing"] | change}
        document, _ = await book.policies.draft(tx, POLICY, body, "anna")
        await book.policies.activate(tx, POLICY, document.version, "ben")
        job_id = await job_store.insert(connection, "activation", POLICY, document.version, "ben", tx.now)
        await job_store.spread(connection, job_id, POLICY, 1)
    begun, chunks, early = time.perf_counter(), 0, 0.0
    while await book.work_a_chunk():
        chunks += 1
        early = early if chunks * 2_000 > accounts / 10 else _peak_mb()
    return _rates(accounts, time.perf_counter() - begun) | {"peak_mb_at_a_tenth": early, "peak_mb": _peak_mb()}


def _rates(accounts: int, seconds: float) -> dict[str, float]:
    per_s = accounts / seconds
    return {"accounts_per_s": per_s, "us_per_account": 1e6 / per_s, "a_million_takes_s": 1e6 / per_s}


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


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
    title = f"re-assessment, {accounts:,} accounts with {1 + 3 * months} facts each"
    printed(title, uvloop.run(measure(accounts, months, workers)), json_file)


if __name__ == "__main__":
    typer.run(main)
