"""What operations see of a refused record: nothing that says who somebody is."""

import json
from typing import Any, get_args

import pytest

from shared.contracts.banking import CustomerUpdated
from shared.contracts.fields import Contract
from shared.contracts.masking import HOLDERS, PERSONAL, masked, masked_header, masked_text
from shared.contracts.schemas import event_schema, example_event
from shared.contracts.topics import TOPICS
from tests.unit.contracts.events import bill
from tests.unit.contracts.hostile import FILES, STRINGS, needs_hostile

FREE_TEXT = 2000
CODES = {"rule", "outcome", "step", "template", "through", "cause", "dataschema"}
"""Texts that Arrears writes itself: codes and places, not prose."""


def test_a_bill_is_shown_and_a_customer_is_not() -> None:
    event = json.loads(bill())
    assert masked(bill()) == event
    customer = example_event(CustomerUpdated)
    customer["data"] |= {"name": "Zaphod Beeblebrox", "address": "1 Betelgeuse Road"}
    shown = json.dumps(masked(json.dumps(customer).encode()))
    assert customer["data"]["customer_id"] in shown
    for point in customer["data"]["contact_points"]:
        assert point["value"] not in shown
    assert not {word for word in ("Zaphod", "Betelgeuse") if word in shown}


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (b"Zaphod", "(not JSON, 6 bytes)"),
        (b"\xff", "(not JSON, 1 byte)"),
        (None, None),
        (b'"Zaphod Beeblebrox"', "(text, 17 characters)"),
        (b'{"Zaphod": 42}', {"(unknown field 1)": "(masked)"}),
        (b'{"account_id": "zaphod@heart.example"}', {"account_id": "(text, 20 characters)"}),
        (b'{"name": ["a", "b"]}', {"name": "(nested, 2 items)"}),
        (b'"Zaphod"', "(text, 6 characters)"),
        (b'["Zaphod", 491701234567]', ["(text, 6 characters)", "(masked)"]),
        (b'{"data": "Zaphod"}', {"data": "(text, 6 characters)"}),
        (b'{"contact_points": ["00491701234567", 1]}', {"contact_points": ["(text, 14 characters)", "(masked)"]}),
        (b'{"accounts": [["Zaphod"]]}', {"accounts": [["(text, 6 characters)"]]}),
        (b'{"account_id": {"name": "Z"}}', {"account_id": {"name": "(text, 1 character)"}}),
    ],
)
def test_what_is_in_the_wrong_place_is_hidden(value: bytes | None, shown: Any) -> None:
    assert masked(value) == shown


def test_of_the_headers_only_those_we_know_are_shown() -> None:
    assert masked_header("ce_id", b"E-1") == ("ce_id", "E-1")
    assert masked_header("ce_id", b"Zaphod Beeblebrox") == ("ce_id", "(text, 17 characters)")
    assert masked_header("phone", b"00491701234567") == ("(unknown header)", "(text, 14 bytes)")
    assert masked_header("Zaphod", None) == ("(unknown header)", None)


def test_every_field_that_holds_objects_is_known_as_one() -> None:
    holding = {
        name
        for topic in TOPICS
        for contract in topic.contracts
        for name, field in contract.model_fields.items()
        if any(isinstance(held, type) and issubclass(held, Contract) for held in get_args(field.annotation))
    }
    assert holding == HOLDERS - {"data"}


def test_depth_and_width_are_bounded() -> None:
    deep = b'{"data":' * 900 + b"1" + b"}" * 900
    assert len(json.dumps(masked(deep))) < 500
    assert len(masked(json.dumps([1] * 10_000).encode())) == 50


def test_every_free_text_of_the_contracts_is_decided_on() -> None:
    texts = set()
    for topic in TOPICS:
        for contract in topic.contracts:
            for model in event_schema(contract)["$defs"].values():
                texts |= {name for name, field in model["properties"].items() if FREE_TEXT in _lengths(field)}
    assert texts - PERSONAL - CODES == set()


def _lengths(field: dict[str, Any]) -> set[int]:
    return {one.get("maxLength", 0) for one in [field, *field.get("anyOf", ())]}


@needs_hostile
def test_nothing_made_for_parsers_breaks_it() -> None:
    for file in FILES:
        masked(file.read_bytes())
    for text in STRINGS:
        shown = masked_text(text)
        assert shown != text or not set(text) & set(" @'\"&;()")
