"""`python -m shared.contracts write|check`: the documents under docs/events, generated from the models."""

import json
import tomllib
from pathlib import Path
from typing import Final

import typer
import yaml

from shared.contracts.asyncapi import asyncapi
from shared.contracts.catalogue import catalogue
from shared.contracts.schemas import event_schema
from shared.contracts.topics import TYPE_OF

ROOT: Final = Path(__file__).resolve().parents[2]
EVENTS: Final = ROOT / "docs" / "events"

app = typer.Typer(
    help="The documents generated from the event contracts", add_completion=False, pretty_exceptions_enable=False
)


def documents() -> dict[str, str]:
    """Every generated file: its path under docs/events, its text."""
    version = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    schemas = {f"schemas/{name}.json": _json(event_schema(contract)) for contract, name in TYPE_OF.items()}
    whole = yaml.safe_dump(asyncapi(version), sort_keys=False, allow_unicode=True, width=120)
    return {"README.md": catalogue(), "asyncapi.yaml": whole, **schemas}


def stale(folder: Path) -> list[str]:
    """Which files of the folder are missing, out of date, or generated from what no longer exists."""
    wanted = documents()
    found = {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}
    changed = [name for name in found & wanted.keys() if (folder / name).read_text("utf-8") != wanted[name]]
    return sorted([*changed, *(found ^ wanted.keys())])


@app.command()
def write() -> None:
    """Bring docs/events up to date."""
    wanted = documents()
    for name in stale(EVENTS):
        path = EVENTS / name
        if name in wanted:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(wanted[name], "utf-8")
        else:
            path.unlink()
        typer.echo(f"docs/events/{name}")


@app.command()
def check() -> None:
    """Exit with 1, naming the files, when docs/events is not what the models say."""
    old = stale(EVENTS)
    for name in old:
        typer.echo(f"stale: docs/events/{name}", err=True)
    if old:
        typer.echo("run: python -m shared.contracts write", err=True)
        raise typer.Exit(1)


def _json(document: object) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    app()
