"""The strategies in use: read from a folder at start, each complaint naming the file and the place."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

import yaml
from pydantic import TypeAdapter, ValidationError

from services.strategy.definition import AssignmentDocument, StrategyDocument
from services.strategy.domain.strategy import Assignment, StrategyBook
from shared.vocabulary.errors import Misconfigured

ASSIGNMENTS: Final = "assignments.yaml"
_STRATEGY: Final = TypeAdapter(StrategyDocument)
_ASSIGNMENTS: Final = TypeAdapter(tuple[AssignmentDocument, ...])

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Library:
    """Strategies as written, by name, and as the domain reads them."""

    documents: Mapping[str, StrategyDocument]
    book: StrategyBook


def read_library(folder: Path, fallback: str | None = None) -> Library:
    """All strategies of a folder and who gets which; Misconfigured names the file and the place of what is wrong.

    `fallback` overrides the strategy of the cases that no product's line takes.
    """
    documents: dict[str, StrategyDocument] = {}
    for path in sorted(folder.glob("*.yaml")):
        if path.name == ASSIGNMENTS:
            continue
        document = _read(path, _STRATEGY)
        if document.name in documents:
            raise Misconfigured(f"{path.name}: name: another file has a strategy {document.name} too")
        documents[document.name] = document
    rules = _read(folder / ASSIGNMENTS, _ASSIGNMENTS)
    if fallback is not None:
        rules = (*(rule for rule in rules if rule.products), AssignmentDocument(strategy=fallback))
    strategies = {name: document.strategy() for name, document in documents.items()}
    return Library(documents, StrategyBook(strategies, _assignments(rules, documents)))


def _read(path: Path, kind: TypeAdapter[T]) -> T:
    try:
        return kind.validate_python(yaml.safe_load(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise Misconfigured(f"{path.name}: cannot be read: {error.strerror}") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise Misconfigured(f"{path.name}: not YAML: {' '.join(str(error).split())}") from None
    except ValidationError as error:
        raise Misconfigured("; ".join(f"{path.name}: {_complaint(e)}" for e in error.errors())) from None


def _complaint(error: Any) -> str:
    place = ".".join(str(part) for part in error["loc"])
    said = error["msg"].removeprefix("Value error, ")
    return f"{place}: {said}" if place else str(said)


def _assignments(rules: Sequence[AssignmentDocument], known: Mapping[str, StrategyDocument]) -> tuple[Assignment, ...]:
    for position, rule in enumerate(rules):
        if rule.strategy not in known:
            raise Misconfigured(f"{ASSIGNMENTS}: {position}.strategy: there is no strategy {rule.strategy}")
    if not rules or rules[-1].products:
        raise Misconfigured(f"{ASSIGNMENTS}: the last line has to take every case: leave out its products")
    return tuple(Assignment(rule.strategy, frozenset(rule.products)) for rule in rules)
