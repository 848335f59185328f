"""Ingest's throughput by partitions and replicas, each replica a program of its own; ratio to one of one.

    python -m tests.bench.scaling [--events N] [--rounds N] [--json FILE]

The facts of each step lie in the topics before they can be read (one Kafka transaction); the clock runs from then until
their last effect is committed and the last status they caused is on Kafka. Replicas beyond the partitions would stand
by and are left out. Broker, database and replicas share the machine's cores: with two of them, a second replica takes
its time from the broker and the database of the first.
"""

import statistics
import time
from pathlib import Path
from typing import Annotated, Final

import typer
import uvloop

from shared.runtime import logs
from tests.bench.copies import Copies, copies
from tests.bench.facts import Facts, steps
from tests.bench.ground import Ground, ground
from tests.bench.printed import machine, printed
from tests.waiting import until

COUNTS: Final = (1, 2, 4)
MONTHS: Final = 2
"""Few and large steps, so that each keeps all replicas busy."""
POLL_S: Final = 0.01


async def events_per_s(place: Ground, replicas: int, events: int) -> float:
    """Facts applied a second of those in which some were waiting."""
    await place.clear()
    async with copies(place) as group:
        among = [await group.start() for _ in range(replicas)]
        await group.until_spread(among)
        spent, applied, told = 0.0, 0, await place.told()
        for step in steps(events, MONTHS):
            applied += len(step)
            spent += await _step_s(place, group, step, applied, told)
        return applied / spent


async def _step_s(place: Ground, group: Copies, step: Facts, applied: int, told: int) -> float:
    await place.begin(step)
    begun = time.perf_counter()
    await place.producer.commit_transaction()

    async def done() -> bool:
        for copy in group.running:
            copy.child.ensure_running()
        return sum((await place.applied()).values()) >= applied and await place.told() - told >= await place.emitted()

    await until(done, "the step's last status", 600, POLL_S)
    return time.perf_counter() - begun


async def measure(events: int, rounds: int) -> dict[str, dict[str, float]]:
    """Medians over the rounds."""
    found: dict[str, dict[str, float]] = {}
    for partitions in COUNTS:
        async with ground(partitions) as place:
            for replicas in (count for count in COUNTS if count <= partitions):
                rates = [await events_per_s(place, replicas, events) for _ in range(rounds)]
                found[f"{partitions} partitions, {replicas} replicas"] = {"events_per_s": statistics.median(rates)}
    one = found["1 partitions, 1 replicas"]["events_per_s"]
    for figures in found.values():
        figures["times_one_of_one"] = figures["events_per_s"] / one
    return found


def main(
    events: Annotated[int, typer.Option(min=1_000, help="facts in a run")] = 70_000,
    rounds: Annotated[int, typer.Option(min=1)] = 3,
    json_file: Annotated[Path | None, typer.Option("--json", help="write the figures here too")] = None,
) -> None:
    """Measure and print."""
    logs.configure("bench", "warning")
    title = f"ingest, {events:,} events, {rounds} rounds, {machine()}"
    printed(title, uvloop.run(measure(events, rounds)), json_file)


if __name__ == "__main__":
    typer.run(main)
