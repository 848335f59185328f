"""CloudEvents in each form that HTTP has for them come out as the same structured events."""

import json
from typing import Any

import pytest

from shared.contracts.banking import BillIssued
from shared.contracts.envelope import decode
from shared.contracts.http_binding import BATCH, SINGLE, events_in, written
from shared.contracts.schemas import example_event
from shared.vocabulary.errors import Rejected
from tests.unit.contracts.events import BILLING, bill

EVENT: dict[str, Any] = example_event(BillIssued)
DATA = json.dumps(EVENT["data"]).encode()
BINARY = {f"ce-{name}": value for name, value in EVENT.items() if name not in ("data", "datacontenttype")}


def test_every_form_is_the_same_event() -> None:
    forms = [
        events_in({"content-type": SINGLE}, bill()),
        events_in({"content-type": f"{SINGLE}; charset=utf-8"}, bill()),
        events_in({"content-type": BATCH}, b"[" + bill() + b"]"),
        events_in(BINARY | {"content-type": "application/json"}, DATA),
    ]
    assert {_event(value) for (value,) in forms} == {decode(BILLING, bill())}


def test_a_batch_keeps_its_order_and_may_be_empty() -> None:
    found = events_in({"content-type": BATCH}, b"[" + bill(id="1") + b', "no event", ' + bill(id="2") + b"]")
    assert [_event(value).id for value in (found[0], found[2])] == ["1", "2"]
    assert found[1] == b'"no event"'
    assert events_in({"content-type": BATCH}, b"[]") == []


def test_an_event_nested_beyond_what_can_be_written_is_refused_alone() -> None:
    deep = b"[" * 500 + b"]" * 500
    refusal, good = events_in({"content-type": BATCH}, b"[" + deep + b"," + bill() + b"]")
    assert isinstance(refusal, Rejected)
    assert refusal.reason == "nested_too_deep"
    assert _event(good) == decode(BILLING, bill())


def _event(value: bytes | Rejected) -> Any:
    assert isinstance(value, bytes)
    return decode(BILLING, value)


def test_attributes_in_headers_are_percent_encoded() -> None:
    headers = BINARY | {"content-type": "application/json", "ce-id": "%E5%90%8D%20x"}
    (value,) = events_in(headers, DATA)
    assert _event(value).id == "名 x"


@pytest.mark.parametrize(
    ("headers", "body", "reason"),
    [
        ({}, bill(), "media_type_unsupported"),
        ({"content-type": "application/json"}, bill(), "media_type_unsupported"),
        ({"content-type": BATCH}, bill(), "not_a_batch"),
        ({"content-type": BATCH}, b"[" + bill(), "not_json"),
        (BINARY | {"content-type": "application/json"}, b"", "not_json"),
        (BINARY | {"content-type": "application/json"}, DATA + b', "id": "smuggled"', "not_json"),
        (BINARY | {"content-type": "application/json", "ce-id": "%ff"}, DATA, "malformed_header"),
    ],
)
def test_what_cannot_be_read_as_a_whole_is_refused(headers: dict[str, str], body: bytes, reason: str) -> None:
    with pytest.raises(Rejected) as caught:
        events_in(headers, body)
    assert caught.value.reason == reason


def test_data_of_another_kind_is_the_envelopes_to_refuse() -> None:
    (value,) = events_in(BINARY | {"content-type": "text/plain"}, DATA)
    with pytest.raises(Rejected) as caught:
        _event(value)
    assert caught.value.reason == "not_cloudevents"


def _nested(levels: int) -> object:
    event: object = 1
    for _ in range(levels):
        event = [event]
    return event


@pytest.mark.parametrize(
    ("event", "reason"),
    [({"id": "\ud800"}, "not_json"), ({"id": 10**400}, "not_json"), (_nested(300), "nested_too_deep")],
)
def test_what_json_cannot_carry_on_is_said_to_be_that(event: object, reason: str) -> None:
    with pytest.raises(Rejected) as refusal:
        written(event)
    assert refusal.value.reason == reason
