"""Encoding and decoding: what goes out comes back the same, in structured and in binary mode."""

import json
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.contracts.banking import BillIssued
from shared.contracts.envelope import decode, encode
from shared.contracts.examples import EXAMPLES, RECORDED_AT
from shared.contracts.fields import Amount, Contract
from shared.contracts.schemas import example_event
from shared.contracts.topics import TOPIC_OF, TYPE_OF
from shared.vocabulary.errors import Rejected
from shared.vocabulary.money import AMOUNT_MINOR_MAX
from tests.unit.contracts.events import BILLING, bill

WHOLE = EXAMPLES[BillIssued]
HEADERS = [
    ("ce_specversion", b"1.0"),
    ("ce_id", b"core-1"),
    ("ce_source", b"core-banking"),
    ("ce_type", b"arrears.billing.BillIssued.v1"),
    ("ce_time", b"2026-03-03T09:30:00Z"),
    ("content-type", b"application/json; charset=utf-8"),
]


@pytest.mark.parametrize("contract", [pytest.param(contract, id=contract.__name__) for contract in TYPE_OF])
def test_what_is_encoded_decodes_to_the_same(contract: type[Contract]) -> None:
    data = EXAMPLES[contract]
    wire = encode(data, event_id="ingest.facts.0.7", source="arrears/ingest.facts.0", subject="S", time=RECORDED_AT)
    event = decode(TOPIC_OF[contract].name, wire)
    assert event.data == data
    assert event[:5] == ("ingest.facts.0.7", "arrears/ingest.facts.0", TYPE_OF[contract], "S", RECORDED_AT)


@given(
    amount_minor=st.integers(0, AMOUNT_MINOR_MAX),
    currency=st.sampled_from(["EUR", "JPY", "KWD"]),
    text=st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), min_size=1, max_size=200),
    at=st.datetimes(datetime(1901, 1, 1), datetime(2998, 1, 1), timezones=st.just(timezone(timedelta(hours=-9)))),  # noqa: DTZ001  hypothesis adds the zone
)
def test_any_text_amount_and_instant_survive(amount_minor: int, currency: str, text: str, at: datetime) -> None:
    amount = Amount.of(amount_minor, currency)
    data = BillIssued(**(dict(WHOLE) | {"amount": amount, "bill_id": text}))
    event = decode(BILLING, encode(data, event_id=text, source=text, subject=text, time=at))
    assert (event.data, event.id, event.time) == (data, text, at)


def test_time_goes_out_in_utc() -> None:
    at = datetime(2026, 3, 3, 10, 30, tzinfo=timezone(timedelta(hours=1)))
    assert json.loads(encode(WHOLE, event_id="1", source="s", subject=None, time=at))["time"] == "2026-03-03T09:30:00Z"


def test_an_absent_subject_and_absent_fields_stay_absent() -> None:
    wire = json.loads(encode(WHOLE, event_id="1", source="s", subject=None, time=RECORDED_AT))
    assert "subject" not in wire
    assert None not in wire["data"].values()


def test_unknown_fields_and_extension_attributes_are_passed_over() -> None:
    event = decode(BILLING, bill(traceparent="00-ab-cd-01", data={"invented_later": {"x": 1}}))
    assert event.data == WHOLE


def test_binary_mode_is_the_same_event() -> None:
    data = json.dumps(example_event(BillIssued)["data"]).encode()
    event = decode(BILLING, data, HEADERS)
    assert event.data == WHOLE
    assert event[:5] == ("core-1", "core-banking", TYPE_OF[BillIssued], None, datetime(2026, 3, 3, 9, 30, tzinfo=UTC))


def test_other_headers_leave_the_mode_structured() -> None:
    headers = [("content-type", b"application/cloudevents+json"), ("traceparent", b"00"), ("arrears-seq", None)]
    assert decode(BILLING, bill(), headers).data == WHOLE


@pytest.mark.parametrize(
    ("change", "reason", "said"),
    [
        ({"ce_id": None}, "not_cloudevents", "id"),
        ({"ce_time": b"2026-03-03T09:30:00"}, "naive_time", "time"),
        ({"ce_type": b"arrears.billing.Zaphod.v1"}, "unknown_type", "banking.billing carries"),
        ({"content-type": b"application/xml"}, "not_cloudevents", "datacontenttype"),
        ({"ce_source": b"a\x00"}, "nul_character", "source"),
        ({"ce_source": b"\xff"}, "malformed_header", "UTF-8"),
    ],
)
def test_wrong_attributes_in_binary_mode(change: dict[str, bytes | None], reason: str, said: str) -> None:
    data = json.dumps(example_event(BillIssued)["data"]).encode()
    with pytest.raises(Rejected) as caught:
        decode(BILLING, data, list((dict(HEADERS) | change).items()))
    assert caught.value.reason == reason
    assert said in caught.value.detail


@pytest.mark.parametrize(
    ("data", "reason", "place"),
    [(b"Zaphod", "not_json", "data"), (b"[]", "not_an_object", "data"), (b"{}", "missing_field", "data.account_id")],
)
def test_wrong_data_in_binary_mode(data: bytes, reason: str, place: str) -> None:
    with pytest.raises(Rejected) as caught:
        decode(BILLING, data, HEADERS)
    assert caught.value.reason == reason
    assert caught.value.detail.startswith(place)


def test_an_event_is_built_only_from_what_may_go_out() -> None:
    with pytest.raises(ValueError, match="may not be negative"):
        BillIssued(**(dict(WHOLE) | {"amount": Amount.of(-1, "EUR")}))
