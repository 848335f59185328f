"""`python -m services.ingest reassess`: what it prints, and the exit status it ends with."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from typing import Annotated, Final

import typer
from aiokafka.errors import KafkaError
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.table import Table

from services.ingest.packs import Packs, load
from services.ingest.policies import Policies
from services.ingest.replay import Replay, Report, Told
from services.ingest.replay_topics import replay_topics
from services.ingest.settings import Settings
from shared.runtime import database
from shared.runtime.letters_commands import done
from shared.runtime.main import guarded
from shared.runtime.settings import read_settings
from shared.vocabulary.errors import Unavailable

TOPICS: Final = ("banking.accounts", "banking.billing", "banking.repayments")
EXIT_DIFFERENT: Final = 1


def register(app: typer.Typer) -> None:
    """Add the command to the service's."""
    app.command()(reassess)


def reassess(
    from_topic: Annotated[
        bool, typer.Option("--from-topic/--from-facts", help="read core banking's topics again, or take the kept facts")
    ] = False,
    policy: Annotated[str | None, typer.Option(help="NAME: accounts it governs; NAME@VERSION: by that version")] = None,
    apply: Annotated[bool, typer.Option("--apply", help="have what differs made anew by the running services")] = False,
    workers: Annotated[int, typer.Option(min=1, max=64, help="processes")] = os.cpu_count() or 1,
) -> None:
    """Make every account anew from its facts beside the live one, and report differences (exit status 1 if any)."""
    settings: list[Settings] = []
    reports: list[Report] = []
    guarded(lambda: settings.append(read_settings(Settings)))
    guarded(lambda: reports.append(done(lambda: _run(settings[0], from_topic, policy, apply, workers))))
    show(reports[0])
    if not reports[0].same and not apply:
        raise typer.Exit(EXIT_DIFFERENT)


async def _run(settings: Settings, from_topic: bool, policy: str | None, apply: bool, workers: int) -> Report:
    engine = database.engine_of(settings.database, 3)

    async def topics(packs: Packs, told: Told) -> None:
        read = lambda done, total: told("records read", done, total)  # noqa: E731  a callback with its first word said
        await replay_topics(settings.kafka_bootstrap, TOPICS, engine, packs, read)

    source: Callable[[Packs, Told], Awaitable[None]] | None = topics if from_topic else None
    try:
        await database.wait_for(engine, asyncio.Event())
        with _Bars() as bars:
            replay = Replay(engine, settings.database, Policies(load()), workers, bars.show, policy, source)
            if apply:
                await replay.refuse_to_apply_a_draft()
            return await replay.run(apply)
    except KafkaError as error:
        raise Unavailable(f"Kafka at {settings.kafka_bootstrap} does not answer ({type(error).__name__})") from error
    finally:
        await engine.dispose()


class _Bars:
    """A progress bar for each thing that is done, on standard error."""

    def __init__(self) -> None:
        columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
        self._progress = Progress(*columns, console=Console(stderr=True))
        self._tasks: dict[str, TaskID] = {}

    def __enter__(self) -> "_Bars":
        self._progress.start()
        return self

    def __exit__(self, *ended: object) -> None:
        self._progress.stop()

    def show(self, what: str, done: int, total: int) -> None:
        """So much of it is done."""
        if what not in self._tasks:
            self._tasks[what] = self._progress.add_task(what, total=total)
        self._progress.update(self._tasks[what], completed=done, total=total)


def show(report: Report) -> None:
    """The report as tables."""
    console = Console()
    console.print(f"{report.accounts:,} accounts compared, {report.differing:,} differ")
    if report.facts is not None:
        only, kept, other = report.facts
        console.print(
            f"facts: {only:,} on the topics only, {kept:,} kept only (retention, or refused there), "
            f"{other:,} with other content; {report.lost_accounts:,} accounts lost"
        )
    if report.by_figure:
        figures = Table("figure", "accounts")
        for name, count in report.by_figure.most_common():
            figures.add_row(name, f"{count:,}")
        console.print(figures)
        examples = Table("account", "figure", "kept", "made anew")
        for example in report.examples:
            examples.add_row(*example)
        console.print(examples)
