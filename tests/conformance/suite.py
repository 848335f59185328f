"""Reads the suite's YAML files into questions and expectations (README.md describes the format)."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

FOLDER: Final = Path(__file__).parent / "cases"
CASE_FIELDS: Final = {
    "name", "says", "source", "policy", "classifications", "account", "known_at", "facts", "expect", "rejected",
}  # fmt: skip
FILE_FIELDS: Final = {"about", "policy", "classifications", "account", "cases"}


class _Text(yaml.SafeLoader):
    """YAML in which a date is the text it is written as, like in JSON."""


_Text.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


@dataclass(frozen=True)
class Case:
    """One question in the doors' own format, and what every right answer says."""

    name: str
    source: str
    question: Mapping[str, Any]
    assessments: list[dict[str, Any]]
    rejected: list[dict[str, Any]]


def read_cases(folder: Path = FOLDER) -> list[Case]:
    """All cases, by file and in order."""
    return [case for path in sorted(folder.glob("*.yaml")) for case in _of(path)]


def _of(path: Path) -> list[Case]:
    file = yaml.load(path.read_text(encoding="utf-8"), _Text)  # noqa: S506  a safe loader
    if unknown := file.keys() - FILE_FIELDS:
        raise ValueError(f"{path.name}: unknown fields {sorted(unknown)}")
    return [_case(path.stem, {**file, **case}) for case in file["cases"]]


def _case(rule: str, written: dict[str, Any]) -> Case:
    if unknown := written.keys() - CASE_FIELDS - FILE_FIELDS:
        raise ValueError(f"{rule}, {written['name']}: unknown fields {sorted(unknown)}")
    opening = [{"type": "AccountOpened", "data": written["account"]}] if written.get("account") else []
    question: dict[str, Any] = {
        "policy": written["policy"],
        "classifications": written.get("classifications", []),
        "facts": [*written["facts"], *opening],
        "as_of": [expected["as_of"] for expected in written["expect"]],
    }
    if "known_at" in written:
        question["known_at"] = written["known_at"]
    name = f"{rule}: {written['name']}"
    return Case(name, written["source"], question, written["expect"], written.get("rejected", []))


def disagreements(case: Case, answer: Mapping[str, Any]) -> list[str]:
    """Each expected figure that the answer does not say; only what a case names is compared."""
    found = []
    for expected, given in zip(case.assessments, answer["assessments"], strict=True):
        for name, value in expected.items():
            if given[name] != value:
                found.append(f"{expected['as_of']}, {name}: expected {value}, was {given[name]}")
    refused = [{name: one[name] for name in ("index", "reason")} for one in answer["rejected"]]
    if refused != case.rejected:
        found.append(f"rejected: expected {case.rejected}, was {refused}")
    return found
