"""Runs one plan, and cuts a failing one down to the faults that matter."""

import multiprocessing
from collections.abc import Iterable, Iterator, MutableMapping
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import structlog

from tests.simulation import scheduler
from tests.simulation.plan import Plan, plan_of
from tests.simulation.world import Parts, World

SHARE = 20
"""Seeds a processor takes at a time."""


@dataclass(frozen=True)
class Finding:
    """A plan, what did not hold under it (nothing: an empty text), and what happened."""

    plan: Plan
    complaint: str
    trace: list[tuple[float, str]]


def run(plan: Plan, parts: type[Parts] = Parts) -> Finding | None:
    """None when everything held."""
    found = played(plan, parts)
    return found if found.complaint else None


def played(plan: Plan, parts: type[Parts] = Parts) -> Finding:
    """One run, whatever comes of it."""
    worlds: list[World] = []

    async def main() -> str:
        worlds.append(World(plan, parts))
        return await worlds[0].run()

    with _log_into(worlds):
        try:
            complaint = scheduler.run(main())
        except (scheduler.Restless, RuntimeError) as error:
            complaint = f"{type(error).__name__}: {error}"
    return Finding(plan, complaint, worlds[0].trace)


def check(seed: int, parts: type[Parts] = Parts) -> Finding | None:
    """The seed's plan; when it fails, the smallest part of it that fails too."""
    found = run(plan_of(seed), parts)
    return None if found is None else _smallest(found, parts)


def failing(seeds: Iterable[int], workers: int) -> Iterator[int | None]:
    """Of each seed, in order: itself when it fails. In processes that share nothing with this one, whatever it runs."""
    apart = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, apart) as processes:
        yield from processes.map(_failing, seeds, chunksize=SHARE)


def _failing(seed: int) -> int | None:
    return seed if run(plan_of(seed)) else None


def _smallest(found: Finding, parts: type[Parts]) -> Finding:
    """Without each fault that is not needed."""
    for strike in found.plan.strikes:
        less = run(found.plan.without(strike), parts)
        found = less or found
    return found


@contextmanager
def _log_into(worlds: list[World]) -> Iterator[None]:
    """The loop's own log becomes part of the trace."""

    def keep(_: Any, level: str, event: MutableMapping[str, Any]) -> str:
        if worlds:
            what = event.pop("event")
            worlds[0].say("log", what, event)
        raise structlog.DropEvent

    had = structlog.get_config()
    structlog.configure(processors=[keep])
    try:
        yield
    finally:
        structlog.configure(**had)
