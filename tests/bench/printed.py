"""How the benches show what they found: one table, and the same figures as JSON."""

import json
import os
from collections.abc import Mapping
from pathlib import Path

from rich.console import Console
from rich.table import Table

Figures = Mapping[str, Mapping[str, float]]
"""What was measured -> figure -> value."""


def printed(title: str, found: Figures, json_file: Path | None) -> None:
    """Print, and write where asked to."""
    table = Table("what", "figure", "value", title=title)
    for what, figures in found.items():
        for name, value in figures.items():
            table.add_row(what, name, f"{value:,.2f}")
    Console().print(table)
    if json_file is not None:
        json_file.write_text(json.dumps(found, indent=2))


def machine() -> str:
    """What the figures are of: cores, and how many processes wanted them in the last minute."""
    return f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}"
