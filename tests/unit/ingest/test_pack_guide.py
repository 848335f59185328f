"""What is written for people who write packs: current, and saying of each pack what the reading of it says."""

from pathlib import Path
from typing import Any

import jsonschema
import pytest
from typer.testing import CliRunner

from services.ingest import pack_guide
from services.ingest.__main__ import app
from tests.unit.ingest.cases import PACKS
from tests.unit.ingest.test_assess import OWN

SCHEMA = pack_guide.schema()


def test_the_documents_are_current() -> None:
    assert CliRunner().invoke(app, ["packs", "--check"]).exit_code == 0


def test_what_is_stale_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pack_guide, "FOLDER", tmp_path / "policies")
    assert CliRunner().invoke(app, ["packs", "--check"]).exit_code == 1
    assert CliRunner().invoke(app, ["packs"]).exit_code == 0
    assert CliRunner().invoke(app, ["packs", "--check"]).exit_code == 0
    (tmp_path / "policies" / "README.md").write_text("old")
    result = CliRunner().invoke(app, ["packs", "--check"])
    assert result.exit_code == 1
    assert "README.md" in result.stderr
    assert "pack.schema.json" not in result.stderr


@pytest.mark.parametrize("pack", [*PACKS.described(), OWN], ids=lambda pack: pack["name"])
def test_packs_have_the_schemas_shape(pack: dict[str, Any]) -> None:
    jsonschema.validate(pack, SCHEMA)


@pytest.mark.parametrize(
    "pack",
    [
        {},
        {**OWN, "version": "7"},
        {**OWN, "more": 1},
        {**OWN, "ageing": {**OWN["ageing"], "grace_days": -1}},
        {**OWN, "ageing": {**OWN["ageing"], "overdue": "someday"}},
        {**OWN, "ageing": {**OWN["ageing"], "buckets": []}},
    ],
)
def test_what_has_another_shape_fails_it(pack: dict[str, Any]) -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(pack, SCHEMA)
