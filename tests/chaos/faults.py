"""What is done to the parts: SIGKILL, or SIGSTOP for a while, to a service, to Kafka, to PostgreSQL; all by a seed.

The relay is part of each service, so it dies with them.
"""

import asyncio
import os
import signal
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Literal

from deploy.local.supervisor import LocalSystem
from tests.waiting import until

TARGETS = ("ingest", "strategy", "contact", "reporting", "kafka", "postgres")
STOPPED_S = (0.5, 1.0, 2.0, 6.0)
"""The longest is past a session."""


@dataclass(frozen=True)
class Blow:
    """One fault, so long after its day began."""

    after_s: float
    target: str
    kind: Literal["kill", "stop"]
    lasts_s: float


def blows(seed: int, days: int, faults: int) -> list[list[Blow]]:
    """For each day what strikes in it."""
    chance = Random(f"chaos {seed}")
    plan: list[list[Blow]] = [[] for _ in range(days)]
    for _ in range(faults):
        kind: Literal["kill", "stop"] = chance.choice(("kill", "stop"))
        blow = Blow(chance.uniform(0, 1.5), chance.choice(TARGETS), kind, chance.choice(STOPPED_S))
        plan[chance.randrange(days)].append(blow)
    return plan


class Fists:
    """Strikes a running system; `struck` counts what was done."""

    def __init__(self, system: LocalSystem) -> None:
        self.struck: Counter[str] = Counter()
        self._system = system

    async def strike(self, blow: Blow) -> None:
        """Return when a stopped part runs again; a killed one is brought up by its keeper."""
        await asyncio.sleep(blow.after_s)
        pid = await until(
            lambda: self._system.addresses.pids.get(blow.target), f"{blow.target}, down from another blow, to be back"
        )
        self.struck[f"{blow.kind} {blow.target}"] += 1
        if blow.kind == "kill":
            await self._system.kill(blow.target)
            return
        stopped = list(_family(pid))
        _signal(stopped, signal.SIGSTOP)
        try:
            await asyncio.sleep(blow.lasts_s)
        finally:
            _signal(stopped, signal.SIGCONT)


def _signal(pids: list[int], number: signal.Signals) -> None:
    for pid in pids:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            continue  # it ended meanwhile


def _family(pid: int) -> Iterator[int]:
    """The process and all it started: PostgreSQL's backends are in sessions of their own."""
    yield pid
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in children.read_text().split():
            yield from _family(int(child))
