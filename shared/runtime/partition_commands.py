"""`python -m services.<name> shards drained` and `shards repartition`: a service's part in adding partitions.

They need the service's whole settings, Kafka among them; the other commands on shards get along with the database.
"""

from collections.abc import Awaitable, Callable
from typing import Annotated, TypeVar

import typer
from aiokafka.errors import KafkaError
from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from shared.messaging.repartition import Outcome, Sharded, repartition, undrained_now
from shared.runtime import database
from shared.runtime.letters_commands import done
from shared.runtime.service import Service
from shared.runtime.settings import Settings
from shared.vocabulary.errors import Unavailable

T = TypeVar("T")

console = Console(stderr=True)


def add_partition_commands(shards: typer.Typer, read: Callable[[], tuple[Service, Settings]]) -> None:
    """Add both to a service's group `shards`; `read` reads the settings and composes the service."""

    @shards.command()
    def drained() -> None:
        """Say whether everything on the topics is applied and all that came of it is sent; 1 when not."""
        name, left = done(lambda: _with(read, _undrained))
        for sentence in left:
            typer.echo(f"{name}: {sentence}")
        if left:
            raise typer.Exit(1)
        typer.echo(f"{name} is drained")

    @shards.command("repartition")
    def repartitioned(
        partitions: Annotated[int, typer.Option(min=1, help="of each keyed topic, from the next start on")],
    ) -> None:
        """Set the stopped, drained service up for another number of partitions, before they are added."""
        name, outcome = done(lambda: _with(read, lambda service: _repartitioned(service, partitions)))
        typer.echo(f"{name} is set up for {partitions} partitions: {_said(outcome, partitions)}")


def _said(outcome: Outcome, partitions: int) -> str:
    if set(outcome.had.values()) == {partitions}:
        return "it was before"
    had = "/".join(str(count) for count in sorted(set(outcome.had.values())))
    moved = [f"{count} rows of {table} changed their shard" for table, count in outcome.moved.items()]
    return "; ".join([f"it had {had}", *moved])


async def _undrained(service: Sharded) -> tuple[str, list[str]]:
    return service.name, await undrained_now(service)


async def _repartitioned(service: Sharded, partitions: int) -> tuple[str, Outcome]:
    columns = (TextColumn("{task.description}"), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as bars:
        tasks = {}

        def told(table: str, seen: int, total: int) -> None:
            if table not in tasks:
                tasks[table] = bars.add_task(table, total=total)
            bars.update(tasks[table], completed=seen)

        return service.name, await repartition(service, partitions, told)


async def _with(read: Callable[[], tuple[Service, Settings]], act: Callable[[Sharded], Awaitable[T]]) -> T:
    service, settings = read()
    # One connection: the command must not take another of its own for a running process.
    engine = database.engine_of(settings.database, 1)
    try:
        return await act(Sharded(service.name, service.streams, service.sharding, engine, settings.kafka_bootstrap))
    except (KafkaError, TimeoutError) as error:
        raise Unavailable(f"Kafka at {settings.kafka_bootstrap} does not answer ({type(error).__name__})") from error
    finally:
        await engine.dispose()
