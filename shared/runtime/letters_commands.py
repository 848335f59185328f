"""Dead letters and stopped shards from the command line: `python -m services.<name> dead-letters|shards …`."""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import orjson
import typer
from rich.console import Console
from rich.table import Table

from shared.contracts.envelope import PAYLOAD_BYTES_MAX
from shared.messaging import retry
from shared.messaging.dead_letters import Wanted
from shared.messaging.desk import SAYING_CHARACTERS_MAX, Act, Desk
from shared.messaging.stream import ShardId
from shared.runtime import database
from shared.runtime.clock import SystemClock
from shared.runtime.settings import EXIT_MISCONFIGURED, DatabaseSettings, read_settings
from shared.vocabulary.errors import Misconfigured, Rejected, Unavailable

T = TypeVar("T")
EXIT_REFUSED = 1
EXIT_UNAVAILABLE = 69


def _said(given: str) -> str:
    """Kept with the letter, so it has to say something: as the HTTP door asks for it."""
    if not _says(given):
        raise typer.BadParameter(f"expected 1 to {SAYING_CHARACTERS_MAX} characters")
    return given


def _says(given: str) -> bool:
    return bool(given.strip()) and len(given) <= SAYING_CHARACTERS_MAX


Actor = Annotated[str, typer.Option(help="who asks for it", callback=_said)]
Reason = Annotated[str, typer.Option(help="why; it is kept", callback=_said)]
State = Literal["waiting", "queued", "redriven", "discarded"]
AsJson = Annotated[bool, typer.Option("--json", help="JSON instead of a table")]
Ids = Annotated[list[int], typer.Argument(help="ids of dead letters")]
_COLUMNS = ("id", "place", "reason", "state", "tries", "rejected_at", "detail")
PIPED_COLUMNS = 240
"""Characters a line where no terminal says how wide it is."""


def letters_commands() -> typer.Typer:
    """The group `dead-letters`."""
    app = typer.Typer(help="What was refused: look, try again, discard", no_args_is_help=True)

    @app.command("list")
    def listed(
        reason: str | None = None,
        topic: str | None = None,
        state: Annotated[State | None, typer.Option(help="waiting, queued, redriven or discarded")] = None,
        since: Annotated[datetime | None, typer.Option(help="refused at or after, UTC")] = None,
        until: Annotated[datetime | None, typer.Option(help="refused before, UTC")] = None,
        after: Annotated[int, typer.Option(help="the id to go on from")] = 0,
        limit: Annotated[int, typer.Option(min=1, max=1000)] = 100,
        as_json: AsJson = False,
    ) -> None:
        """List them, oldest first, without payloads."""
        wanted = Wanted(reason, topic, state, _utc(since), _utc(until))
        found = _done(lambda desk: desk.letters(wanted, after=after, rows_max=limit))
        placed = [{**one, "place": f"{one['topic']}/{one['partition']}/{one['position']}"} for one in found]
        _show(found if as_json else placed, _COLUMNS, as_json)

    @app.command()
    def show(
        letter_id: int,
        reveal: Annotated[bool, typer.Option(help="the record as it came; needs --actor and --reason")] = False,
        actor: str = "",
        reason: str = "",
    ) -> None:
        """Show one: payload masked, and what was done about it."""
        if reveal and not (_says(actor) and _says(reason)):
            raise typer.BadParameter(f"--reveal needs --actor and --reason, 1 to {SAYING_CHARACTERS_MAX} characters")
        act = Act(actor, reason)
        _print(_done(lambda desk: desk.reveal(letter_id, act) if reveal else desk.letter(letter_id)))

    @app.command()
    def redrive(
        ids: Ids,
        actor: Actor,
        reason: Reason,
        payload: Annotated[Path | None, typer.Option(help="a file with the corrected CloudEvent")] = None,
    ) -> None:
        """Have them applied once more by the owner of their shard, in the order given."""
        if payload is not None and len(ids) != 1:
            raise typer.BadParameter("a corrected event is for one dead letter")
        corrected = None if payload is None else _payload(payload)
        _each(ids, lambda desk, one: desk.redrive(one, Act(actor, reason), corrected))

    @app.command()
    def discard(ids: Ids, actor: Actor, reason: Reason) -> None:
        """Leave them unapplied for good."""
        _each(ids, lambda desk, one: desk.discard(one, Act(actor, reason)))

    return app


def shards_commands() -> typer.Typer:
    """The group `shards`."""
    app = typer.Typer(help="Shards that stand still, come from a backup, or get more partitions", no_args_is_help=True)

    @app.command("stopped")
    def stopped(as_json: AsJson = False) -> None:
        """List the shards that stand still."""
        columns = ("stream", "partition", "reason", "detail", "stopped_at")
        _show(_done(lambda desk: desk.stopped()), columns, as_json)

    @app.command()
    def resume(stream: str, partition: int, actor: Actor, reason: Reason) -> None:
        """Let one go on."""
        _print(_done(lambda desk: desk.resume(ShardId(stream, partition), Act(actor, reason))))

    @app.command()
    def restored() -> None:
        """After a backup was restored, before the service starts: pass over sequences that Kafka may have already."""
        _done(lambda desk: desk.restored())
        typer.echo("each shard goes on beyond every sequence it may have given out")

    return app


def _payload(file: Path) -> bytes:
    """The corrected event, and no more of a file than shows that it is none."""
    try:
        with file.open("rb") as opened:
            return opened.read(PAYLOAD_BYTES_MAX + 1)
    except OSError as error:
        raise typer.BadParameter(f"{file}: cannot be read: {error.strerror}") from None


def _each(ids: Sequence[int], act: Callable[[Desk, int], Awaitable[Any]]) -> None:
    async def all_of_them(desk: Desk) -> None:
        for one in ids:  # told one by one: a refusal in the middle leaves the others done
            _print(await act(desk, one))

    _done(all_of_them)


def _done(ask: Callable[[Desk], Awaitable[T]]) -> T:
    async def asked() -> T:
        engine = database.engine_of(read_settings(DatabaseSettings).database, 1)
        try:
            return await ask(Desk(engine, SystemClock()))
        finally:
            await engine.dispose()

    return done(asked)


def done(asked: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """The answer; a refusal, a wrong setting or a part that is away ends the command with one line."""
    try:
        return asyncio.run(asked())
    except Misconfigured as error:
        raise _ended(EXIT_MISCONFIGURED, f"misconfigured: {error}") from None
    except Rejected as refusal:
        raise _ended(EXIT_REFUSED, f"{refusal.reason}: {refusal.detail}") from None
    except Unavailable as error:
        raise _ended(EXIT_UNAVAILABLE, str(error)) from None
    except Exception as error:
        if retry.is_bad_data(error):
            raise _ended(
                EXIT_REFUSED, "unstorable_value: a value of the command cannot be looked up or stored"
            ) from None
        if not retry.is_passing(error):
            raise
        raise _ended(EXIT_UNAVAILABLE, f"the database does not answer ({type(error).__name__})") from None


def _ended(code: int, line: str) -> typer.Exit:
    typer.echo(line, err=True)
    return typer.Exit(code)


def _show(rows: Sequence[Mapping[str, Any]], columns: Sequence[str], as_json: bool) -> None:
    if as_json:
        _print(rows)
        return
    table = Table(*columns)
    for row in rows:
        table.add_row(*(str(row[column]) for column in columns))
    Console(width=None if sys.stdout.isatty() else PIPED_COLUMNS).print(table)


def _print(value: Any) -> None:
    typer.echo(json.dumps(orjson.loads(orjson.dumps(value)), indent=2, ensure_ascii=False))


def _utc(given: datetime | None) -> datetime | None:
    return None if given is None else given.replace(tzinfo=given.tzinfo or UTC)
