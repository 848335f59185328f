"""Proves the compose file on a real engine: up, the main story through the front doors, down.

`python -m tests.e2e.compose_check` needs an engine with the compose plugin, and simulated time (as in .env.example).
It starts from empty volumes under a project name of its own, prints what it does, and removes everything at the end;
with --keep the system stays up.
"""

import asyncio
import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from shared.contracts.fields import Amount
from tests.e2e.crowd import Calendar, Crowd
from tests.e2e.doors import Doors, Places
from tests.e2e.story import Story, assert_ended_well

ROOT: Final = Path(__file__).resolve().parents[2]
PROJECT: Final = "arrears-check"
PORTS: Final = {
    "KAFKA_PORT": 19094,
    "POSTGRES_PORT": 15433,
    "INGEST_PORT": 18081,
    "STRATEGY_PORT": 18082,
    "CONTACT_PORT": 18083,
    "REPORTING_PORT": 18084,
    "SMS_PORT": 18085,
    "MAIL_PORT": 18086,
}
PATIENCE_S: Final = 120.0
SERVICES: Final = ("ingest", "strategy", "contact", "reporting")


def compose(*words: str) -> str:
    """Run docker compose for the check's own project; its output."""
    command = ["docker", "compose", "--project-name", PROJECT, "--env-file", ".env.example", *words]
    environment = os.environ | {name: str(port) for name, port in PORTS.items()}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


@contextmanager
def said(what: str) -> Iterator[None]:
    """Say what is done and how long it took."""
    started = time.monotonic()
    print(what, end=" ... ", flush=True)
    yield
    print(f"{time.monotonic() - started:.1f} s", flush=True)


async def story() -> None:
    """One customer's bill: overdue, SMS, repaid, cured, reported."""
    http = {name: f"http://127.0.0.1:{PORTS[f'{name.upper()}_PORT']}" for name in SERVICES}
    places = Places(f"localhost:{PORTS['KAFKA_PORT']}", http, f"http://127.0.0.1:{PORTS['SMS_PORT']}")
    async with Doors(places, PATIENCE_S) as doors:
        calendar = Calendar(doors)
        week = calendar.next_week()
        told = Story(doors, calendar, Crowd("compose", 1, week[0], "EUR"), week)
        with said("bill published, day closed, SMS, repayment, cured, reported"):
            await told.tell()
            await assert_ended_well(told)
        for event in doors.heard(told.crowd.customers):
            print(f"  {event.time:%Y-%m-%d %H:%M}  {type(event.data).__name__:<20}{_gist(event.data)}")
        for text in await doors.texts(told.crowd.numbers):
            print(f"  SMS to {text['to']}: {text['body']}")


def _gist(data: Any) -> str:
    words = [getattr(data, field) for field in ("bucket", "reason", "rule", "outcome") if hasattr(data, field)]
    owed = getattr(data, "arrears", None)
    return ", ".join([*words[:1], *([f"arrears {owed.amount} {owed.currency}"] if isinstance(owed, Amount) else [])])


def main(keep: Annotated[bool, typer.Option(help="leave the system up")] = False) -> None:
    """Run the check."""
    subprocess.run([ROOT / "deploy" / "compose" / "new-secrets"], cwd=ROOT, check=True)
    compose("down", "--volumes", "--remove-orphans")
    try:
        with said("docker compose up --build --wait"):
            compose("up", "--build", "--wait")
        print(compose("ps", "--all", "--format", "table {{.Service}}\t{{.Image}}\t{{.Status}}"))
        asyncio.run(story())
        print("passed")
    finally:
        if not keep:
            with said("docker compose down --volumes"):
                compose("down", "--volumes", "--remove-orphans")


if __name__ == "__main__":
    app = typer.Typer(pretty_exceptions_enable=False, add_completion=False)
    app.command()(main)
    app()
