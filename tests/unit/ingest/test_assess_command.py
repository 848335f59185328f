"""`python -m services.ingest assess`: what it prints and how it ends."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from services.ingest.__main__ import app
from services.ingest.assess import REQUEST_BYTES_MAX
from tests.unit.ingest.test_assess import BILL, OPENED, OWN, REPAID

FACTS = [OPENED, BILL, REPAID]


def run(*arguments: str, stdin: str | None = None) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, ["assess", *arguments], input=stdin)
    return result.exit_code, result.stdout, result.stderr


def test_a_file_of_facts_with_options() -> None:
    code, out, _ = run(
        "-", "--policy", "instalment", "--as-of", "2024-03-01", "--as-of", "2024-01-31", stdin=json.dumps(FACTS)
    )
    assert code == 0
    assert [a["days_past_due"] for a in json.loads(out)["assessments"]] == [30, 0]


def test_options_stand_over_what_the_file_says(tmp_path: Path) -> None:
    file = tmp_path / "question.json"
    file.write_text(
        json.dumps({"policy": "instalment", "classifications": [], "facts": FACTS, "as_of": ["2024-03-01"]})
    )
    code, out, _ = run(
        str(file), "--policy", "in-rbi", "--classification", "in-rbi", "--known-at", "2024-02-01T00:00:00Z"
    )
    assert code == 0
    now = json.loads(out)["assessments"][0]
    assert (now["policy"], now["classifications"], now["arrears"]["amount"]) == (
        "in-rbi",
        {"in-rbi": "SMA-1"},
        "100.00",
    )


def test_a_pack_may_come_from_a_file(tmp_path: Path) -> None:
    pack = tmp_path / "mine.yaml"
    pack.write_text(json.dumps(OWN))
    code, out, _ = run("-", "--policy", str(pack), "--as-of", "2024-03-01", stdin=json.dumps(FACTS))
    assert (code, json.loads(out)["assessments"][0]["bucket"]) == (0, "late")


def test_a_table_is_for_people() -> None:
    code, out, _ = run(
        "-", "--policy", "instalment", "--as-of", "2024-03-01", "--format", "table", stdin=json.dumps([*FACTS, 7])
    )
    assert code == 0
    assert "Policy instalment, version 1" in out
    assert "│ 2024-03-01 │            30 │ 30-59  │ 40.00 EUR │ 1000.00 EUR" in out
    assert "Fact 3 was rejected: not_an_object" in out


@pytest.mark.parametrize(
    ("stdin", "arguments", "code", "said"),
    [
        ("{", (), 65, "not_json: line 1"),
        ("7", (), 65, "invalid_request: "),
        ("[]", ("--policy", "nope", "--as-of", "2024-03-01"), 65, "unknown_policy: no pack called 'nope'"),
        ("[]", ("--policy", "instalment", "--as-of", "today"), 65, "invalid_request: as_of.0: a date is written"),
        ("[]", ("--policy", "nothing.yaml", "--as-of", "2024-03-01"), 65, "nothing.yaml: cannot be read: No such file"),
        (" " * (REQUEST_BYTES_MAX + 1), (), 65, "request_too_large: "),
        ('{"as_of": ["2024-03-01"], "as_of": ["2024-03-02"]}', (), 65, "invalid_request: 'as_of' is written twice"),
        ('{"facts": ' + "[" * 1_000 + "]" * 1_000 + "}", (), 65, "invalid_request: "),
    ],
)
def test_what_cannot_be_answered_ends_with_one_line(
    stdin: str, arguments: tuple[str, ...], code: int, said: str
) -> None:
    ended, out, err = run("-", *arguments, stdin=stdin)
    assert (ended, out) == (code, "")
    assert err.startswith(said)
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("", "malformed_policy: mine.yaml: expected a pack"),
        ("- name: mine", "malformed_policy: mine.yaml: expected a pack"),
        ("[" * 5_000, "mine.yaml: not YAML: it is nested too deeply"),
        ("version: " + "9" * 5_000, "mine.yaml: not YAML: Exceeds the limit"),
        ("one: &one [x, x]\ntwo: [*one, *one]", "mine.yaml: not YAML: an alias; write out what it stands for"),
        (" " * 262_145, "mine.yaml: at most 262144 bytes are read"),
    ],
)
def test_a_file_that_holds_no_pack_is_named_and_never_passed_over(tmp_path: Path, written: str, said: str) -> None:
    pack = tmp_path / "mine.yaml"
    pack.write_text(written)
    code, out, err = run("-", "--policy", str(pack), "--as-of", "2024-03-01", stdin=json.dumps(FACTS))
    assert (code, out) == (65, "")
    assert err.startswith(said)
    assert err.count("\n") == 1


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    code, _, err = run(str(tmp_path / "nothing.json"))
    assert code == 66
    assert err.endswith("nothing.json: cannot be read: No such file or directory\n")
