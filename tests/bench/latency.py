"""How long a fact takes to become a status, and to become a message handed to the SMS gateway, at half load.

    python -m tests.bench.latency [--seconds N] [--share 0.5] [--only status|message] [--json FILE]

Each measures first the most it can do, then publishes at a share of that at a steady pace. Which facts, which path and
from when to when: status_latency.py and message_latency.py. Broker, database, services, publisher and listener share
the machine's cores.
"""

from pathlib import Path
from typing import Annotated, Literal

import typer
import uvloop

from shared.runtime import logs
from tests.bench import message_latency, status_latency
from tests.bench.printed import machine, printed

Which = Literal["status", "message"]


async def measure(seconds: float, share: float, only: Which | None) -> dict[str, dict[str, float]]:
    """Both, or one of them."""
    found: dict[str, dict[str, float]] = {}
    if only != "message":
        found |= await status_latency.measure(seconds, share)
    if only != "status":
        found |= await message_latency.measure(seconds, share)
    return found


def main(
    seconds: Annotated[float, typer.Option(min=1, help="of steady load, each")] = 20,
    share: Annotated[float, typer.Option(min=0.01, max=1, help="of the most it can do")] = 0.5,
    only: Annotated[str | None, typer.Option(help="status or message")] = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="write the figures here too")] = None,
) -> None:
    """Measure and print."""
    if only not in (None, "status", "message"):
        raise typer.BadParameter("status or message", param_hint="--only")
    logs.configure("bench", "warning")
    found = uvloop.run(measure(seconds, share, only))  # type: ignore[arg-type]  # the lines above are the check
    title = f"latency at {share:.0%} of the most, {machine()}"
    printed(title, found, json_file)


if __name__ == "__main__":
    typer.run(main)
