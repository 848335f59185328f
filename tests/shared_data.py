"""Where the real data for tests lies: beside the project, never in it. Where it is absent a test skips."""

import os
from pathlib import Path
from typing import Final

import pytest

SETTING: Final = "ARREARS_TEST_DATA"
ROOT: Final = Path(__file__).parents[1]


def shared_data(name: str) -> Path:
    """The file or folder of that name; skips the test, with the reason, where there is none."""
    for folder in _folders():
        if (folder / name).exists():
            return folder / name
    pytest.skip(f"no {name} in ../shared/data; {SETTING} may name the folder")


def _folders() -> list[Path]:
    """The folder that the environment names, or `shared/data` beside the project or one of the folders above it."""
    named = os.environ.get(SETTING)
    return [Path(named)] if named else [folder / "shared" / "data" for folder in ROOT.parents]
