"""`make live`: the whole system on this machine until Ctrl-C or SIGTERM."""

import asyncio
import signal
from pathlib import Path
from typing import Annotated

import typer
import uvloop
from rich.console import Console
from rich.table import Table

from deploy.local.addresses import Addresses
from deploy.local.environments import Clock, Options
from deploy.local.folder import LOCAL, FolderBusyError
from deploy.local.jars import JarsError
from deploy.local.keeper import GaveUpError
from deploy.local.program import ProgramError
from deploy.local.supervisor import LocalSystem
from shared.vocabulary.errors import Misconfigured, Unavailable

console = Console(highlight=False)


def main(
    clock: Annotated[str, typer.Option(help="system, or simulated: driven by banking.calendar")] = "system",
    partitions: Annotated[int, typer.Option(min=1, help="of each keyed topic")] = 2,
    folder: Annotated[Path, typer.Option(help="where data, logs and addresses.json lie")] = LOCAL,
) -> None:
    """Run Kafka, PostgreSQL, an SMTP server, an SMS gateway and the four services."""
    if clock not in ("system", "simulated"):
        raise typer.BadParameter(f"--clock: system or simulated, not {clock!r}")
    chosen: Clock = "simulated" if clock == "simulated" else "system"
    try:
        uvloop.run(live(folder, Options(clock=chosen, partitions=partitions)))
    except (FolderBusyError, GaveUpError, JarsError, ProgramError, Misconfigured, Unavailable) as error:
        console.print(f"live: {error}", style="red", markup=False, soft_wrap=True)
        raise typer.Exit(1) from None


async def live(folder: Path, options: Options) -> None:
    """Start, show the addresses, and stay until asked to stop; raises what made it stop otherwise."""
    running = asyncio.current_task()
    assert running is not None
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, running.cancel)
    try:
        async with LocalSystem(folder, options=options, tell=_tell) as system:
            console.print(
                f"\nArrears is running; Ctrl-C stops it. With passwords: {folder}/addresses.json\n", soft_wrap=True
            )
            console.print(_table(system.addresses))
            await system.trouble
    except asyncio.CancelledError:
        console.print("stopped")


def _tell(line: str) -> None:
    console.print(line, style="dim", markup=False, soft_wrap=True)


def _table(addresses: Addresses) -> Table:
    table = Table(box=None, show_header=False)
    rows = {
        "Kafka": addresses.kafka,
        **{f"{name} API": f"{url}/docs" for name, url in addresses.http.items()},
        "PostgreSQL for BI": addresses.postgres["bi"].split("@")[1],
        "emails received": f"{addresses.smtp_http}/messages",
        "SMS received": f"{addresses.sms_gateway}/messages",
    }
    for name, address in rows.items():
        table.add_row(name, address)
    return table


if __name__ == "__main__":
    typer.run(main)
