"""Where the files and strings made to break parsers are: beside some checkout above, or where a variable says.

They are shared data, not this project's, so a test that needs them skips where they are not.
"""

import json
import os
from pathlib import Path

import pytest

SETTING = "ARREARS_TEST_DATA"
_FOLDER = Path("shared/data/hostile")


def _found() -> Path | None:
    if named := os.environ.get(SETTING):
        return Path(named) / "hostile"
    above = (parent.parent / _FOLDER for parent in Path(__file__).resolve().parents)
    return next((folder for folder in above if folder.is_dir()), None)


FOLDER = _found()
needs_hostile = pytest.mark.skipif(
    FOLDER is None, reason=f"no ../{_FOLDER} beside this checkout or above, and {SETTING} is not set"
)
FILES: list[Path] = sorted((FOLDER / "test_parsing").iterdir()) if FOLDER else []
STRINGS: list[str] = json.loads((FOLDER / "blns.json").read_text("utf-8")) if FOLDER else []
