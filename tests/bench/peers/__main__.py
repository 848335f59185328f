"""Measures the contenders one after the other on the same parts, topic and backlog, and prints a table.

    python -m tests.bench.peers [--facts 200000] [--window-s 20] [--json FILE]

A figure is events in the state per second, between the first commit seen and the last of the window. Each peer runs
twice: bare, and under the contract, validating each event and telling CloudEvents as Arrears always does (logic.py).
The peers run in an environment of their own (requirements/peers.txt, `.venv-peers`); `make bench-peers` makes it.
"""

import asyncio
import json
import os
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import asyncpg
import typer
import uvloop
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from rich.console import Console
from rich.table import Table

from deploy.local.ports import free_port
from deploy.topics import create_topics
from shared.messaging.tables import create
from shared.runtime import logs
from shared.runtime.database import engine_of
from tests.bench.peers.logic import CONTRACT, OUT, TABLE, TOPIC
from tests.bench.printed import machine
from tests.integration.messaging.published import repayment
from tests.parts import Parts, chosen_parts, new_database

PARTITIONS = 2
ACCOUNTS = 2000
PEERS_PYTHON = Path(".venv-peers/bin/python")
FIRST_COMMIT_S_MAX = 40.0
POLL_S = 0.02


Variant = Literal["bare", "contract"]
Figures = dict[str, float | str]
"""`left_out` says why there is no figure."""


@dataclass(frozen=True)
class Contender:
    """One framework and what it promises as used here."""

    name: str
    module: str
    guarantees: str
    own: bool = False

    @property
    def variants(self) -> tuple[Variant, ...]:
        """Arrears knows no other way than under the contract."""
        return ("contract",) if self.own else ("bare", "contract")


CONTENDERS = (
    Contender(
        "Arrears", "arrears_peer", "effects exactly once: offset, state and outbox in one commit; each event validated",
        own=True,
    ),
    Contender("FastStream, batch", "faststream_peer", "at least once; all apart; a batch's events have no keys"),
    Contender("sentry-arroyo", "arroyo_peer", "at least once; state, offset and events apart"),
    Contender("Quix Streams", "quix_peer", "at least once; state, offset and events apart"),
    Contender("faust-streaming", "faust_peer", "at least once; offsets in the background, state and events apart"),
    Contender("bytewax", "bytewax_peer", "begins anew after a restart, as run here without its recovery store"),
    Contender("one event a transaction", "single_peer", "at most or at least once, by where the offset's commit falls"),
)  # fmt: skip


@dataclass(frozen=True)
class Lane:
    """The parts and the backlog that all contenders get."""

    kafka: str
    facts: int
    window_s: float


async def measure(facts: int, window_s: float, only: list[str]) -> dict[str, dict[Variant, Figures]]:
    """Figures by contender and variant."""
    parts = chosen_parts(durable=True)
    try:
        kafka = await parts.kafka()
        await create_topics(kafka, PARTITIONS)
        await _topic_and_backlog(kafka, facts)
        lane = Lane(kafka, facts, window_s)
        found: dict[str, dict[Variant, Figures]] = {}
        for one in CONTENDERS:
            if not only or one.module in only:
                found[one.name] = {variant: await _measured(one, variant, lane, parts) for variant in one.variants}
        return found
    finally:
        await parts.stop()


async def _topic_and_backlog(kafka: str, facts: int) -> None:
    from deploy.local.portfolio.publish import Publisher
    from deploy.local.portfolio.writer import Record

    admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
    await admin.start()
    await admin.create_topics([NewTopic(OUT, PARTITIONS, 1)])
    await admin.close()
    made = (repayment(n, account=f"account-{n % ACCOUNTS}") for n in range(facts))
    async with Publisher(kafka) as publisher:
        await publisher.publish([Record(TOPIC, key.encode(), value) for key, value in made])


async def _measured(one: Contender, variant: Variant, lane: Lane, parts: Parts) -> Figures:
    python = Path(sys.executable) if one.own else PEERS_PYTHON
    if not python.exists():
        return {"left_out": f"{python} is missing: make bench-peers"}
    url = await parts.postgres_url("ingest", await new_database(parts))
    connection = await asyncpg.connect(url)
    await connection.execute(TABLE)
    engine = engine_of(url.replace("postgresql://", "postgresql+asyncpg://"), 2)
    async with engine.begin() as tables:
        await tables.run_sync(create)
    await engine.dispose()
    with tempfile.TemporaryFile() as output:
        words = ["worker"] if one.module == "faust_peer" else []
        child = await asyncio.create_subprocess_exec(
            str(python), "-m", f"tests.bench.peers.{one.module}", *words,
            env=_environment(lane.kafka, url, variant), stdout=output, stderr=output,
        )  # fmt: skip
        try:
            return await _window(connection, child, lane)
        except TimeoutError:
            output.seek(0)
            return {"left_out": "no commit came; it said: " + output.read()[-300:].decode(errors="replace").strip()}
        finally:
            if child.returncode is None:
                child.kill()
                await child.wait()
            await connection.close()


def _environment(kafka: str, url: str, variant: Variant) -> Mapping[str, str]:
    return {
        **os.environ,
        "PYTHONPATH": os.getcwd(),
        "PEERS_KAFKA": kafka,
        "PEERS_DATABASE": url,
        CONTRACT: "1" if variant == "contract" else "",
        "ARREARS_ENVIRONMENT": "local",
        "ARREARS_KAFKA_BOOTSTRAP": kafka,
        "ARREARS_DATABASE_URL": url.replace("postgresql://", "postgresql+asyncpg://"),
        "ARREARS_HTTP_PORT": str(free_port()),
        "ARREARS_LOG_LEVEL": "warning",
    }


async def _window(connection: asyncpg.Connection, child: asyncio.subprocess.Process, lane: Lane) -> Figures:
    """From the first commit seen to the end of the backlog or of the window."""
    begun = time.monotonic()
    while not (first := await _applied(connection)):
        if time.monotonic() - begun > FIRST_COMMIT_S_MAX or child.returncode is not None:
            raise TimeoutError
        await asyncio.sleep(POLL_S)
    since = time.monotonic()
    last, at = first, since
    while last < lane.facts and time.monotonic() - since < lane.window_s:
        await asyncio.sleep(POLL_S)
        now = await _applied(connection)
        if now != last:
            last, at = now, time.monotonic()
    if last == first:
        return {"left_out": f"all {last} events in one step: a larger --facts is needed"}
    return {"events_per_s": (last - first) / (at - since), "events": last}


async def _applied(connection: asyncpg.Connection) -> int:
    return int(await connection.fetchval("SELECT coalesce(sum(events), 0) FROM peer_balance"))


def main(
    facts: Annotated[int, typer.Option(min=10_000)] = 200_000,
    window_s: Annotated[float, typer.Option(min=2)] = 20,
    only: Annotated[list[str] | None, typer.Option(help="module names of contenders")] = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="write the figures here too")] = None,
) -> None:
    """Measure and print."""
    logs.configure("bench", "warning")
    found = uvloop.run(measure(facts, window_s, only or []))
    table = Table(
        "contender", "events/s bare", "Arrears is", "events/s, contract", "Arrears is", "guarantees, as run here",
        title=f"same fold, SQL and topic; {machine()}",
    )  # fmt: skip
    ours = found.get("Arrears", {}).get("contract", {})
    for one in CONTENDERS:
        if one.name in found:
            table.add_row(one.name, *_cells(found[one.name], "bare", ours), *_cells(found[one.name], "contract", ours),
                          one.guarantees)  # fmt: skip
    Console(width=150).print(table)
    if json_file is not None:
        json_file.write_text(json.dumps(found, indent=2))


def _cells(found: Mapping[Variant, Figures], variant: Variant, ours: Figures) -> tuple[str, str]:
    """A variant's rate, and how many times that Arrears does."""
    figures = found.get(variant, {})
    rate, own = figures.get("events_per_s"), ours.get("events_per_s")
    if not isinstance(rate, float):
        return str(figures.get("left_out", "")), ""
    return f"{rate:,.0f}", f"{own / rate:.2f} x" if isinstance(own, float) else ""


if __name__ == "__main__":
    typer.run(main)
