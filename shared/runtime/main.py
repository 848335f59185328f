"""The command line every service shares: `run` (the default), `migrate`, and the operators' commands."""

import gc
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, TypeVar

import typer
import uvloop

from shared.runtime import database, logs
from shared.runtime.letters_commands import letters_commands, shards_commands
from shared.runtime.partition_commands import add_partition_commands
from shared.runtime.process import Only, Process
from shared.runtime.service import Service
from shared.runtime.settings import EXIT_MISCONFIGURED, Settings, read_settings
from shared.vocabulary.errors import Misconfigured

S = TypeVar("S", bound=Settings)
EXIT_BUG = 70
GARBAGE_OBJECTS = 50_000


def collect_seldom() -> None:
    """A batch makes thousands of objects that all go at once: collecting among them is work for nothing."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(GARBAGE_OBJECTS, 20, 20)


def command_line(name: str, kind: type[S], compose: Callable[[S], Service], migrations: Path) -> typer.Typer:
    """The service's typer application; a service may add commands of its own."""

    app = typer.Typer(help=f"Arrears {name}", add_completion=False, pretty_exceptions_enable=False)

    def composed() -> tuple[Service, Settings]:
        settings = read_settings(kind)
        return compose(settings), settings

    @app.callback(invoke_without_command=True)
    def run(
        context: typer.Context,
        only: Annotated[str | None, typer.Option(help="run one half: api or consumer")] = None,
    ) -> None:
        """Run the service (both halves unless --only says which)."""
        if context.invoked_subcommand is None:
            guarded(lambda: _run(name, kind, compose, _half(only)))

    @app.command()
    def migrate() -> None:
        """Bring the service's schema to the newest revision."""
        guarded(lambda: uvloop.run(database.migrate(read_settings(kind).database, migrations)))

    app.add_typer(letters_commands(), name="dead-letters")
    shards = shards_commands()
    add_partition_commands(shards, composed)
    app.add_typer(shards, name="shards")
    return app


def _half(only: str | None) -> Only | None:
    if only in (None, "api", "consumer"):
        return only  # type: ignore[return-value]  # the line above is the check
    raise Misconfigured(f"--only: expected api or consumer, not {only!r}")


def _run(name: str, kind: type[S], compose: Callable[[S], Service], only: Only | None) -> None:
    settings = read_settings(kind)
    logs.configure(name, settings.log_level)
    collect_seldom()

    async def serve() -> None:
        await Process(compose(settings), settings, only).run()

    uvloop.run(serve())


def guarded(action: Callable[[], None]) -> None:
    """One line for a wrong setup; anything else is a bug and shows itself."""
    try:
        action()
    except Misconfigured as error:
        _end(EXIT_MISCONFIGURED, f"misconfigured: {error}")
    except BaseExceptionGroup as group:
        wrong = group.subgroup(Misconfigured)
        if wrong is None:
            raise
        _end(EXIT_MISCONFIGURED, f"misconfigured: {_first(wrong)}")


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    inner = group.exceptions[0]
    return _first(inner) if isinstance(inner, BaseExceptionGroup) else inner


def _end(code: int, line: str) -> None:
    print(line, file=sys.stderr)
    raise SystemExit(code)
