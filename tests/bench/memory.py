"""Resident memory of each service under steady load, and its peak while a backlog is read.

    python -m tests.bench.memory [--minutes N] [--per-s N] [--backlog N] [--json FILE]

The whole system runs. The steady load is of a crowd whose bills come in overdue and are repaid, over and over:
statuses, cases, requests to contact, messages, suppressions and reports all the time. The slope is a straight line
through all readings after the first fifth of the time, in which caches fill. The backlog is of repayments, published as
fast as Kafka takes them, and read by all services until the system is quiet.
"""

import asyncio
import itertools
import statistics
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Final

import psutil
import typer
import uvloop

from deploy.local.environments import SERVICES
from shared.runtime import logs
from tests.bench.facts import Fact, repaid
from tests.bench.printed import machine, printed
from tests.bench.under_load import meanwhile, whole_under_load
from tests.bench.whole import TODAY, Whole, account_of, overdue_bill, paid

PEOPLE: Final = 2_000
WARM_UP_SHARE: Final = 0.2
STEADY_POLL_S: Final = 1.0
BACKLOG_POLL_S: Final = 0.1
MB: Final = 1024 * 1024
Readings = dict[str, list[tuple[float, float]]]
"""Service -> seconds and megabytes."""


@asynccontextmanager
async def reading(pids: dict[str, int], poll_s: float) -> AsyncIterator[Readings]:
    """What the services hold, looked at again and again during the block."""
    found: Readings = defaultdict(list)
    processes = {name: psutil.Process(pid) for name, pid in pids.items()}

    async def look() -> None:
        begun = time.monotonic()
        while True:
            for name, process in processes.items():
                found[name].append((time.monotonic() - begun, process.memory_info().rss / MB))
            await asyncio.sleep(poll_s)

    async with meanwhile(look()):
        yield found


def crowd_facts() -> Iterator[Fact]:
    """Bills of everybody, then their repayments, for ever."""
    for turn in itertools.count():
        yield from (overdue_bill(n, f"b{turn}") for n in range(PEOPLE))
        yield from (paid(n, f"r{turn}") for n in range(PEOPLE))


def backlog_facts(facts: int) -> Iterator[Fact]:
    """One small repayment after the other, round the crowd."""
    return (repaid(account_of(n % PEOPLE), f"s{n}", TODAY, 100) for n in range(facts))


def slope_mb_per_h(readings: list[tuple[float, float]]) -> float:
    """Of the least squares' line."""
    spent = [at for at, _ in readings]
    if len(spent) < 2:
        return 0.0
    return statistics.linear_regression(spent, [held for _, held in readings]).slope * 3600


async def measure(minutes: float, per_s: float, backlog: int) -> dict[str, dict[str, float]]:
    """Steady load, then the backlog."""
    async with whole_under_load() as (place, load):
        pids = _pids(place)
        await place.open(PEOPLE)
        async with reading(pids, STEADY_POLL_S) as steady:
            await load.publish(crowd_facts(), per_s, minutes * 60)
        await place.doors.quiet()
        async with reading(pids, BACKLOG_POLL_S) as behind:
            await place.publish(backlog_facts(backlog))
            await place.doors.quiet()
        if _pids(place) != pids:
            raise AssertionError("a service was started again meanwhile")
    return {
        "steady load": {"facts_per_s": load.per_s},
        **{f"{name}, steady": _steady(steady[name]) for name in SERVICES},
        **{f"{name}, backlog": _behind(behind[name]) for name in SERVICES},
    }


def _pids(place: Whole) -> dict[str, int]:
    pids = place.system.addresses.pids
    return {name: pid for name in SERVICES if (pid := pids[name]) is not None}


def _steady(readings: list[tuple[float, float]]) -> dict[str, float]:
    held = [one for _, one in readings]
    warm = [one for one in readings if one[0] >= WARM_UP_SHARE * readings[-1][0]]
    return {
        "first_mb": held[0], "median_mb": statistics.median(held), "last_mb": held[-1], "peak_mb": max(held),
        "slope_mb_per_h": slope_mb_per_h(warm),
    }  # fmt: skip


def _behind(readings: list[tuple[float, float]]) -> dict[str, float]:
    return {"peak_mb": max(held for _, held in readings), "after_mb": readings[-1][1], "seconds": readings[-1][0]}


def main(
    minutes: Annotated[float, typer.Option(min=0.1, help="of steady load")] = 5,
    per_s: Annotated[float, typer.Option(min=1, help="facts a second meanwhile")] = 50,
    backlog: Annotated[int, typer.Option(min=1_000, help="facts")] = 200_000,
    json_file: Annotated[Path | None, typer.Option("--json", help="write the figures here too")] = None,
) -> None:
    """Measure and print."""
    logs.configure("bench", "warning")
    found = uvloop.run(measure(minutes, per_s, backlog))
    title = f"resident memory, {minutes:g} minutes, backlog of {backlog:,}, {machine()}"
    printed(title, found, json_file)


if __name__ == "__main__":
    typer.run(main)
