"""Each kind of bad input is Rejected with its own reason, names the field, and repeats nothing of the content."""

import json
from typing import Any

import pytest

from shared.contracts.banking import AccountOpened, CustomerUpdated, DelinquencyPaused
from shared.contracts.delinquency import DelinquencyEntered
from shared.contracts.envelope import PAYLOAD_BYTES_MAX, decode
from shared.contracts.schemas import example_event
from shared.contracts.topics import TOPICS
from shared.vocabulary.errors import Rejected
from tests.unit.contracts.events import BILLING, GONE, bill

SECRET = "Zaphod"
"""Stands for personal data in a refused value: it may not come back in the refusal."""


def money(amount: Any, currency: Any = "EUR") -> dict[str, Any]:
    return {"amount": amount, "currency": currency}


def refused(value: bytes | None, topic: str = BILLING, headers: Any = ()) -> Rejected:
    with pytest.raises(Rejected) as caught:
        decode(topic, value, headers)
    assert SECRET not in str(caught.value)
    return caught.value


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        pytest.param(b"Zaphod", "not_json", id="words"),
        pytest.param(b'{"specversion": "1.0"', "not_json", id="cut off"),
        pytest.param(b"\xff\xfe\x00", "not_json", id="not text"),
        pytest.param(b'{"id": "\xff"}', "not_json", id="not UTF-8"),
        pytest.param(b'{"id": "\\ud800"}', "not_json", id="half a character"),
        pytest.param(b"[" * 100_000, "not_json", id="nested without end"),
        pytest.param(b"", "empty_record", id="no bytes"),
        pytest.param(None, "empty_record", id="tombstone"),
        pytest.param(b"null", "not_cloudevents", id="null"),
        pytest.param(b'["Zaphod"]', "not_cloudevents", id="a list"),
        pytest.param(b'{"Zaphod": 1}', "not_cloudevents", id="another object"),
        pytest.param(bill(specversion="0.3"), "not_cloudevents", id="older CloudEvents"),
        pytest.param(bill(specversion=GONE), "not_cloudevents", id="no specversion"),
        pytest.param(bill(type=GONE), "not_cloudevents", id="no type"),
        pytest.param(bill(id=GONE), "not_cloudevents", id="no id"),
        pytest.param(bill(id=""), "not_cloudevents", id="empty id"),
        pytest.param(bill(source=GONE), "not_cloudevents", id="no source"),
        pytest.param(bill(time=GONE), "not_cloudevents", id="no time"),
        pytest.param(bill(time="Zaphod"), "not_cloudevents", id="time that is none"),
        pytest.param(bill(time="1704067200"), "not_cloudevents", id="time as a number of seconds"),
        pytest.param(bill(time="0001-01-01T00:00:00+14:00"), "not_cloudevents", id="time no calendar holds"),
        pytest.param(bill(datacontenttype="text/xml"), "not_cloudevents", id="data that is not JSON"),
        pytest.param(bill(type="arrears.billing.Zaphod.v1"), "unknown_type", id="no such event"),
        pytest.param(bill(type="arrears.billing.BillIssued.v2"), "unknown_type", id="a version to come"),
        pytest.param(bill(type="arrears.calendar.BusinessDayClosed.v1"), "unknown_type", id="another topic's event"),
        pytest.param(bill(type=7), "unknown_type", id="type is a number"),
        pytest.param(bill(time="2026-03-03T09:30:00"), "naive_time", id="time without a zone"),
        pytest.param(bill(id="a\x00Zaphod"), "nul_character", id="NUL in the id"),
        pytest.param(bill(data=None, source="Zaphod" * 50), "text_too_long", id="source too long"),
        pytest.param(bill(data={"bill_id": "Zaphod" * 200_000}), "too_large", id="a megabyte"),
    ],
)  # fmt: skip
def test_a_record_that_is_no_event_of_the_topic(value: bytes | None, reason: str) -> None:
    assert refused(value).reason == reason


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        ("bill_id", GONE, "missing_field"),
        ("bill_id", "", "empty_text"),
        ("bill_id", None, "malformed_field"),
        ("bill_id", 42, "malformed_field"),
        ("bill_id", "a\x00Zaphod", "nul_character"),
        ("bill_id", "Zaphod" * 1_000, "text_too_long"),
        ("kind", "Zaphod Beeblebrox", "malformed_field"),
        ("kind", "fee\x00", "nul_character"),
        ("amount", GONE, "missing_field"),
        ("amount", "12.50", "not_an_object"),
        ("amount", money(12.5), "malformed_field"),
        ("amount", {"amount": "12.50"}, "missing_field"),
        ("amount", money("12,50"), "malformed_amount"),
        ("amount", money("1e3"), "malformed_amount"),
        ("amount", money("٣"), "malformed_amount"),
        ("amount", money(" 1"), "malformed_amount"),
        ("amount", money("NaN"), "malformed_amount"),
        ("amount", money("12.505"), "too_many_decimals"),
        ("amount", money("12.5", "JPY"), "too_many_decimals"),
        ("amount", money("-0.01"), "negative_amount"),
        ("amount", money("9999999999999999"), "amount_too_large"),
        ("amount", money("9" * 25), "text_too_long"),
        ("amount", money("1.00", "Zaphod"), "unknown_currency"),
        ("amount", money("1.00", "XXX"), "unknown_currency"),
        ("amount", money("1.00", "EU\x00"), "unknown_currency"),
        ("due_on", "2026-02-30", "malformed_date"),
        ("due_on", "28.02.2026", "malformed_date"),
        ("due_on", "1704067200", "malformed_date"),
        ("due_on", "2026-02-28T00:00:00Z", "malformed_date"),
        ("due_on", 20260228, "malformed_date"),
        ("due_on", "1066-10-14", "out_of_range"),
    ],
)
def test_a_wrong_field_is_named_with_what_is_wrong(field: str, value: Any, reason: str) -> None:
    refusal = refused(bill(data={field: value}))
    assert refusal.reason == reason
    assert refusal.detail.startswith(f"data.{field}")


def test_data_that_is_no_object() -> None:
    assert refused(bill(data=None).replace(b'"data": {', b'"data": "Zaphod", "other": {')).reason == "not_an_object"


def test_numbers_no_reader_keeps_exactly() -> None:
    event = example_event(CustomerUpdated)
    event["data"]["revision"] = 10**30
    refusal = refused(json.dumps(event).encode(), "banking.customers")
    assert (refusal.reason, refusal.detail.split(":")[0]) == ("out_of_range", "data.revision")


def test_the_place_inside_a_list_is_named() -> None:
    event = example_event(CustomerUpdated)
    event["data"]["contact_points"][1]["kind"] = "Zaphod"
    assert refused(json.dumps(event).encode(), "banking.customers").detail.startswith("data.contact_points.1.kind: ")


@pytest.mark.parametrize("field", ["limit", "principal"])
def test_an_account_is_in_one_currency(field: str) -> None:
    event = example_event(AccountOpened)
    event["data"][field] = money("5000.00", "USD")
    refusal = refused(json.dumps(event).encode(), "banking.accounts")
    assert str(refusal) == f"wrong_currency: data.{field}: the account is in EUR, the amount in USD"
    event["data"]["currency"] = "USD"
    event["data"].pop("limit" if field == "principal" else "principal", None)
    assert getattr(decode("banking.accounts", json.dumps(event).encode()).data, field).currency == "USD"


def test_of_an_account_in_no_currency_the_currency_is_the_complaint() -> None:
    event = example_event(AccountOpened)
    event["data"]["currency"] = "Zaphod"
    assert refused(json.dumps(event).encode(), "banking.accounts").reason == "unknown_currency"


def test_the_key_of_a_map_is_content_and_is_not_repeated() -> None:
    event = example_event(DelinquencyEntered)
    event["data"]["classifications"] = {"Zaphod": 7}
    refusal = refused(json.dumps(event).encode(), "delinquency.status")
    assert refusal.detail.startswith("data.classifications.(key)")


@pytest.mark.parametrize("topic", [topic.name for topic in TOPICS])
def test_every_topic_refuses_what_is_no_event(topic: str) -> None:
    assert refused(b"Zaphod", topic).reason == "not_json"
    assert refused(b"{}", topic).reason == "not_cloudevents"
    assert refused(b"7", topic).reason == "not_cloudevents"


def test_the_largest_record_is_read_and_one_byte_more_is_not() -> None:
    event = bill()
    decode(BILLING, event + b" " * (PAYLOAD_BYTES_MAX - len(event)))
    assert refused(event + b" " * (PAYLOAD_BYTES_MAX - len(event) + 1)).reason == "too_large"


def test_a_pause_that_ends_before_it_begins() -> None:
    event = example_event(DelinquencyPaused)
    event["data"] |= {"from_on": "2026-03-10", "until_on": "2026-03-10"}
    assert decode("banking.accounts", json.dumps(event).encode()).data.until_on is not None, "an empty pause is one"
    event["data"]["until_on"] = "2026-03-09"
    refusal = refused(json.dumps(event).encode(), "banking.accounts")
    assert str(refusal) == "ends_before_it_begins: data.until_on: must not be before from_on"
