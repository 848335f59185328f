"""`python -m services.reporting`: run, migrate, or write the data dictionary."""

from pathlib import Path
from typing import Annotated

import typer

from services.reporting import dictionary
from services.reporting.app import compose
from services.reporting.settings import ReportingSettings
from shared.runtime.main import command_line

MIGRATIONS = Path(__file__).parent / "migrations"

app = command_line("reporting", ReportingSettings, compose, MIGRATIONS)


@app.command(name="dictionary")
def data_dictionary(
    check: Annotated[bool, typer.Option(help="only say whether the file is current")] = False,
) -> None:
    """Write docs/reporting.md from the definitions."""
    if check and not dictionary.is_current():
        typer.echo(f"{dictionary.FILE} is stale: run python -m services.reporting dictionary", err=True)
        raise typer.Exit(1)
    if not check:
        dictionary.FILE.write_text(dictionary.text(), encoding="utf-8")


if __name__ == "__main__":
    app()
