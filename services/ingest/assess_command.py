"""`python -m services.ingest assess FILE`: the stateless calculator for people and scripts, without any service."""

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, Final, Literal, NoReturn

import orjson
import typer
from rich.console import Console
from rich.table import Table

from services.ingest.assess import REQUEST_BYTES_MAX, answer, question
from services.ingest.named_once import each_name_once
from services.ingest.packs import load, read_yaml
from shared.vocabulary.errors import Misconfigured, Rejected

EXIT_REFUSED: Final = 65
EXIT_UNREADABLE: Final = 66
PACK_FILES: Final = (".yaml", ".yml", ".json")
PIPE_WIDTH: Final = 200
COLUMNS: Final = ("as_of", "days_past_due", "bucket", "arrears", "exposure", "oldest_due_on", "next_transition_on")

Answer = dict[str, Any]


def register(app: typer.Typer) -> None:
    """Add the command to the service's."""
    app.command(name="assess")(assess)


def assess(
    file: Annotated[str, typer.Argument(help="the question as JSON, or its list of facts; - reads standard input")],
    policy: Annotated[str | None, typer.Option(help="a pack's name, or a file with a whole pack")] = None,
    as_of: Annotated[list[str] | None, typer.Option(help="a date, YYYY-MM-DD; may be given again")] = None,
    classification: Annotated[list[str] | None, typer.Option(help="a pack's name; may be given again")] = None,
    known_at: Annotated[str | None, typer.Option(help="leave out facts recorded later than this instant")] = None,
    output: Annotated[Literal["json", "table"], typer.Option("--format", help="json or table")] = "json",
) -> None:
    """Assess the facts of one account by a policy, as of one date or several. Options stand over what the file says."""
    try:
        given: dict[str, Any] = {"policy": policy, "as_of": as_of, "classifications": classification}
        if policy is not None and policy.endswith(PACK_FILES):
            given["policy"] = _pack(Path(policy))
        given["known_at"] = known_at
        answered = answer(question(_asked(_read(file), given)), load())
    except (Rejected, Misconfigured) as refusal:
        _end(EXIT_REFUSED, str(refusal))
    if output == "json":
        print(orjson.dumps(answered, option=orjson.OPT_INDENT_2).decode())
    else:
        _show(answered, Console() if sys.stdout.isatty() else Console(width=PIPE_WIDTH))


def _read(file: str) -> bytes:
    try:
        if file == "-":
            return sys.stdin.buffer.read(REQUEST_BYTES_MAX + 1)
        with Path(file).open("rb") as stream:
            return stream.read(REQUEST_BYTES_MAX + 1)
    except (OSError, ValueError) as error:
        _end(EXIT_UNREADABLE, f"{file}: cannot be read: {getattr(error, 'strerror', None) or error}")


def _pack(file: Path) -> dict[str, Any]:
    written = read_yaml(file)
    if not isinstance(written, dict):
        raise Rejected("malformed_policy", f"{file.name}: expected a pack: `name`, `version`, and what it says")
    return written


def _asked(body: bytes, given: dict[str, Any]) -> bytes:
    """The file's question with the options in it. What is not an object or a list is left to the question's check."""
    options = {name: value for name, value in given.items() if value is not None}
    if len(body) > REQUEST_BYTES_MAX:
        raise Rejected("request_too_large", f"at most {REQUEST_BYTES_MAX} bytes are read")
    try:
        written = orjson.loads(body)
        each_name_once(body, "invalid_request")
        if isinstance(written, list):
            written = {"facts": written}
        return orjson.dumps({**written, **options}) if isinstance(written, dict) else body
    except orjson.JSONDecodeError as error:
        raise Rejected("not_json", f"line {error.lineno}, column {error.colno}: {error.msg}") from None
    except orjson.JSONEncodeError as error:
        raise Rejected("invalid_request", f"the question cannot be written again: {error}") from None


def _show(answered: Answer, console: Console) -> None:
    for policy, version in {(one["policy"], one["policy_version"]) for one in answered["assessments"]}:
        console.print(f"Policy {policy}, version {version}", highlight=False)
    table = Table()
    labels = list(answered["assessments"][0]["classifications"])
    for name in (*COLUMNS, *labels):
        table.add_column(name.replace("_", " "), justify="right" if name == "days_past_due" else "left")
    for one in answered["assessments"]:
        table.add_row(*[_cell(one[name]) for name in COLUMNS], *[one["classifications"][name] for name in labels])
    console.print(table)
    for line in _notes(answered):
        console.print(line, markup=False, highlight=False, soft_wrap=True)


def _notes(answered: Answer) -> Iterable[str]:
    for one in answered["assessments"]:
        yield one["explanation"]["sentence"]
    for one in answered["rejected"]:
        yield f"Fact {one['index']} was rejected: {one['reason']}: {one['detail']}"


def _cell(value: Any) -> str:
    if isinstance(value, dict):
        return f"{value['amount']} {value['currency']}"
    return "" if value is None else str(value)


def _end(code: int, line: str) -> NoReturn:
    print(line, file=sys.stderr)
    raise SystemExit(code)
