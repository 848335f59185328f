"""A folder for a local system, removed with what is kept for it elsewhere."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.local import postgres_files


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """As `.local`; run as root, PostgreSQL's part of it may be a link to a place that pytest does not clean."""
    yield tmp_path / ".local"
    postgres_files.remove(tmp_path / ".local" / "postgres")
