"""The generated documents: current, complete, and true of what `encode` writes."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator, FormatChecker
from typer.testing import CliRunner

from shared.contracts import __main__ as command
from shared.contracts.asyncapi import asyncapi
from shared.contracts.envelope import decode
from shared.contracts.examples import EXAMPLES
from shared.contracts.fields import Contract
from shared.contracts.schemas import event_schema, example_event
from shared.contracts.topics import TOPIC_OF, TOPICS, TYPE_OF

EVERY_EVENT = [pytest.param(contract, id=contract.__name__) for contract in TYPE_OF]


def test_the_files_in_the_tree_are_current() -> None:
    assert command.stale(command.EVENTS) == []


def test_check_names_the_file_that_is_stale(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "EVENTS", tmp_path)
    assert CliRunner().invoke(command.app, ["write"]).exit_code == 0
    assert CliRunner().invoke(command.app, ["check"]).exit_code == 0
    (tmp_path / "schemas" / "arrears.billing.BillIssued.v1.json").write_text("{}")
    (tmp_path / "schemas" / "arrears.billing.BillForgotten.v1.json").write_text("{}")
    (tmp_path / "asyncapi.yaml").unlink()

    checked = CliRunner().invoke(command.app, ["check"])

    assert checked.exit_code == 1
    assert [line for line in checked.stderr.splitlines() if line.startswith("stale")] == [
        "stale: docs/events/asyncapi.yaml",
        "stale: docs/events/schemas/arrears.billing.BillForgotten.v1.json",
        "stale: docs/events/schemas/arrears.billing.BillIssued.v1.json",
    ]
    assert CliRunner().invoke(command.app, ["write"]).exit_code == 0
    assert command.stale(tmp_path) == []


@pytest.mark.parametrize("contract", EVERY_EVENT)
def test_the_example_is_valid_by_its_schema_and_decodes_to_itself(contract: type[Contract]) -> None:
    schema = event_schema(contract)
    Draft202012Validator.check_schema(schema)
    example = example_event(contract)

    Draft202012Validator(schema, format_checker=FormatChecker()).validate(example)
    event = decode(TOPIC_OF[contract].name, json.dumps(example).encode())

    assert event.data == EXAMPLES[contract]
    assert (event.type, event.subject) == (TYPE_OF[contract], example["subject"])


@pytest.mark.parametrize("contract", EVERY_EVENT)
def test_schema_and_decoder_miss_the_same_required_fields(contract: type[Contract]) -> None:
    validator = Draft202012Validator(event_schema(contract))
    for field in contract.model_fields:
        example = example_event(contract)
        if field not in example["data"]:
            continue
        del example["data"][field]
        assert validator.is_valid(example) == (not contract.model_fields[field].is_required())


@pytest.mark.parametrize("contract", EVERY_EVENT)
def test_every_field_says_what_it_means(contract: type[Contract]) -> None:
    for schema in event_schema(contract)["$defs"].values():
        for name, field in schema["properties"].items():
            assert field.get("description"), f"{contract.__name__}.{name}"


def _references(node: Any) -> list[str]:
    if isinstance(node, dict):
        own = [node["$ref"]] if "$ref" in node else []
        return own + [found for child in node.values() for found in _references(child)]
    if isinstance(node, list):
        return [found for child in node for found in _references(child)]
    return []


def _resolved(document: Any, reference: str) -> Any:
    node = document
    for part in reference.removeprefix("#/").split("/"):
        node = node[part]
    return node


def test_asyncapi_references_lead_somewhere() -> None:
    document = yaml.safe_load((command.EVENTS / "asyncapi.yaml").read_text("utf-8"))
    for reference in _references(document):
        if reference.startswith("#"):
            assert _resolved(document, reference)
        else:
            assert (command.EVENTS / reference).is_file(), reference


def test_asyncapi_says_who_sends_and_receives() -> None:
    document = asyncapi("1")
    assert set(document["channels"]) == {topic.name for topic in TOPICS}
    said = {(name.split(".")[0], body["action"], body["channel"]["$ref"].rsplit("/", 1)[-1])
            for name, body in document["operations"].items()}  # fmt: skip
    received = {(service, "receive", topic.name) for topic in TOPICS for service in topic.consumers}
    sent = {(topic.publisher, "send", topic.name) for topic in TOPICS if topic.publisher != "core"}
    assert said == received | sent
    assert document["channels"]["banking.calendar"]["bindings"]["kafka"]["partitions"] == 1
