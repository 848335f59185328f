"""Files and strings made to break parsers: none of them is an event, none of them breaks the decoder."""

import json

import pytest

from shared.contracts.banking import CustomerUpdated
from shared.contracts.envelope import decode
from shared.contracts.schemas import example_event
from shared.contracts.topics import TOPICS
from shared.vocabulary.errors import Rejected
from tests.unit.contracts.events import BILLING, bill
from tests.unit.contracts.hostile import FILES, STRINGS, needs_hostile

pytestmark = needs_hostile


@pytest.mark.parametrize("topic", [topic.name for topic in TOPICS])
def test_no_file_made_for_parsers_is_an_event(topic: str) -> None:
    assert len(FILES) > 300
    for file in FILES:
        with pytest.raises(Rejected):
            decode(topic, file.read_bytes())


def test_no_such_file_is_the_data_of_an_event() -> None:
    head, tail = bill().split(b'"data": {', 1)
    for file in FILES:
        with pytest.raises(Rejected):
            decode(BILLING, head + b'"data": ' + file.read_bytes() + b', "rest": {' + tail)


def test_a_naughty_string_is_kept_as_it_is_or_refused() -> None:
    for text in STRINGS:
        event = example_event(CustomerUpdated)
        event["data"]["name"] = event["data"]["address"] = text
        read = decode("banking.customers", json.dumps(event).encode())
        assert (read.data.name, read.data.address) == (text, text)


def test_a_naughty_string_is_never_an_amount() -> None:
    for text in STRINGS:
        if text.isascii() and text.removeprefix("-").replace(".", "", 1).isdigit():
            continue
        with pytest.raises(Rejected):
            decode(BILLING, bill(data={"amount": {"amount": text, "currency": "EUR"}}))
