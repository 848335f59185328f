"""The end of a log file, read without reading the file."""

import os
from pathlib import Path

TAIL_BYTES_MAX = 16_384


def last_lines(log: Path, lines_max: int = 20) -> str:
    """The last lines, indented; says so when there is nothing."""
    if not log.exists():
        return "  (no log)"
    with log.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - TAIL_BYTES_MAX))
        lines = file.read().decode(errors="replace").splitlines()
    return "\n".join(f"  {line}" for line in lines[-lines_max:]) or "  (nothing logged)"
