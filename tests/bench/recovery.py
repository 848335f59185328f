"""SIGKILL of a consumer under load: how long until its shards commit again, and until the backlog is gone.

    python -m tests.bench.recovery [--rounds N] [--per-s N] [--session-timeout-s N] [--json FILE]

Facts come at a steady pace throughout. Three cases, each so many times: the one copy that runs is killed and started
again at once, as a supervisor does, without a name and with one that it keeps; and one of two copies is killed and the
other takes its shards over. Times are from the kill until every shard of the killed copy has committed a batch again,
and until no more than a moment's facts wait.
"""

import asyncio
import statistics
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final

import typer
import uvloop

from shared.runtime import logs
from tests.bench.copies import Copies, Copy
from tests.bench.ground import Ground
from tests.bench.pace import Pace
from tests.bench.printed import machine, printed
from tests.bench.status_latency import book, repayments
from tests.bench.under_load import ledger_under_load, meanwhile
from tests.waiting import until

POLL_S: Final = 0.02
MOMENT_S: Final = 0.2
"""A backlog of less is none: so much is always on its way."""
RUN_UP_S: Final = 4.0
PATIENCE_S: Final = 180.0
NAMED: Final = {"ARREARS_REPLICA": "a"}
Figures = dict[str, dict[str, float]]


@dataclass
class Drill:
    """Parts, copies, and facts coming in."""

    place: Ground
    group: Copies
    load: Pace
    per_s: float
    base: int
    """Records applied before the load began."""

    async def waiting(self) -> int:
        """Facts published and not applied yet."""
        return self.base + len(self.load.sent_at) - sum((await self.place.applied()).values())

    async def caught_up(self) -> bool:
        return await self.waiting() <= self.per_s * MOMENT_S

    async def killed(self, victim: Copy, again: Mapping[str, str] | None) -> dict[str, float]:
        """Kill it and see: it is started `again` with these settings, or the copy that is left takes over."""
        await until(self.caught_up, "the copies to keep up", PATIENCE_S)
        shards = await victim.owns()
        begun = time.perf_counter()
        await victim.kill()
        before = await self.place.applied()
        self.group.running.remove(victim)
        if again is not None:
            await self.group.start(**again)

        most = 0

        async def committed() -> bool:
            nonlocal most
            most = max(most, await self.waiting())
            now = await self.place.applied()
            return all(now[shard] > before[shard] for shard in shards)

        await until(committed, "a commit of every shard", PATIENCE_S, POLL_S)
        first_s = time.perf_counter() - begun
        await until(self.caught_up, "the backlog to be gone", PATIENCE_S, POLL_S)
        return {"next_commit_s": first_s, "backlog_gone_s": time.perf_counter() - begun, "backlog_facts": most}


async def measure(rounds: int, per_s: float, session_timeout_s: float) -> Figures:
    """All cases, on one start of the parts."""
    settings = {"ARREARS_SESSION_TIMEOUT_S": f"{session_timeout_s:g}"}
    async with ledger_under_load(**settings) as (place, group, load):
        facts = book()
        await place.publish(facts)
        await until(lambda: _all_applied(place, len(facts)), "the book", PATIENCE_S)
        drill = Drill(place, group, load, per_s, len(facts))
        async with meanwhile(load.publish(repayments(), per_s, 86_400)):
            restarted = [await _restarted(drill, {}) for _ in range(rounds)]
            await _replace(drill, NAMED)
            named = [await _restarted(drill, NAMED) for _ in range(rounds)]
            await _replace(drill, {})
            taken_over = [await _taken_over(drill) for _ in range(rounds)]
    return (
        _summed("started again", restarted)
        | _summed("started again by its name", named)
        | _summed("taken over", taken_over)
    )


async def _all_applied(place: Ground, facts: int) -> bool:
    return sum((await place.applied()).values()) >= facts


async def _replace(drill: Drill, settings: Mapping[str, str]) -> None:
    """Another copy in place of the one that runs, which leaves in order."""
    (old,) = drill.group.running
    new = await drill.group.start(**settings)
    await drill.group.until_spread([old, new])
    await old.child.stop()
    drill.group.running.remove(old)
    await drill.group.until_spread([new])


async def _restarted(drill: Drill, settings: Mapping[str, str]) -> dict[str, float]:
    (only,) = drill.group.running
    await asyncio.sleep(RUN_UP_S)
    return await drill.killed(only, settings)


async def _taken_over(drill: Drill) -> dict[str, float]:
    """The other copy joins first, and stays when the victim is gone."""
    victim = drill.group.running[0]
    other = await drill.group.start()
    await drill.group.until_spread([victim, other])
    await asyncio.sleep(RUN_UP_S)
    return await drill.killed(victim, None)


def _summed(name: str, found: list[dict[str, float]]) -> Figures:
    figures: dict[str, float] = {}
    for figure in found[0]:
        values = [one[figure] for one in found]
        figures |= {f"{figure}, median": statistics.median(values), f"{figure}, most": max(values)}
    return {name: figures}


def main(
    rounds: Annotated[int, typer.Option(min=1)] = 5,
    per_s: Annotated[float, typer.Option(min=10, help="facts a second throughout")] = 1_000,
    session_timeout_s: Annotated[float, typer.Option(min=1, help="10 is the services' default")] = 10,
    json_file: Annotated[Path | None, typer.Option("--json", help="write the figures here too")] = None,
) -> None:
    """Measure and print."""
    logs.configure("bench", "warning")
    found = uvloop.run(measure(rounds, per_s, session_timeout_s))
    title = f"SIGKILL at {per_s:,.0f} facts/s, sessions of {session_timeout_s:g} s, {rounds} rounds, {machine()}"
    printed(title, found, json_file)


if __name__ == "__main__":
    typer.run(main)
