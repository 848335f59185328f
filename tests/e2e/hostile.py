"""Everything that may go wrong with a record of core banking, made from a good one, and what it is called then."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from shared.contracts.envelope import encode
from shared.contracts.fields import Contract
from shared.contracts.topics import TOPIC_OF
from tests.e2e.crowd import MORNING
from tests.e2e.doors import Message

Bend = Callable[[dict[str, Any]], bytes]


@dataclass(frozen=True)
class Bad:
    """A record, what is wrong with it, and the reason it should get."""

    what: str
    reason: str
    message: Message


def _changed(**attributes: Any) -> Bend:
    return lambda event: json.dumps(event | attributes).encode()


def _without_a_field(event: dict[str, Any]) -> bytes:
    data = dict(event["data"])
    del data[next(iter(data))]
    return json.dumps(event | {"data": data}).encode()


def _field(value: Any) -> Bend:
    """The first field of the data (an id or a date) replaced."""
    return lambda event: json.dumps(event | {"data": event["data"] | {next(iter(event["data"])): value}}).encode()


_KINDS: Final[tuple[tuple[str, str, Bend], ...]] = (
    ("not JSON", "not_json", lambda _: b"{ bill: 120.50 EUR }"),
    ("cut off", "not_json", lambda event: json.dumps(event).encode()[:-20]),
    ("not CloudEvents", "not_cloudevents", lambda event: json.dumps(event["data"]).encode()),
    ("no id", "not_cloudevents", lambda event: json.dumps({k: v for k, v in event.items() if k != "id"}).encode()),
    ("unknown type", "unknown_type", _changed(type="arrears.billing.BillForgotten.v1")),
    ("missing field", "missing_field", _without_a_field),
    ("naive time", "naive_time", _changed(time="2026-03-02T09:30:00")),
    ("NUL in the envelope", "nul_character", _changed(id="core\x00banking")),
    ("a megabyte", "too_large", _field("x" * 900_000)),
    ("no bytes", "empty_record", lambda _: b""),
)

_MONEY: Final[tuple[tuple[str, str, dict[str, str]], ...]] = (
    ("no such currency", "unknown_currency", {"amount": "120.50", "currency": "EURO"}),
    ("too many decimals", "too_many_decimals", {"amount": "120.505", "currency": "EUR"}),
    ("negative amount", "negative_amount", {"amount": "-120.50", "currency": "EUR"}),
    ("words for an amount", "malformed_amount", {"amount": "a lot", "currency": "EUR"}),
    ("more money than there is", "amount_too_large", {"amount": "9999999999999999", "currency": "EUR"}),
)

_DATES: Final = ("opened_on", "due_on", "effective_on", "business_date", "verified_on")


def bent(good: Contract, key: str | None, day: date) -> Iterator[Bad]:
    """The good event in every wrong form that fits its fields."""
    topic = TOPIC_OF[type(good)].name
    event = json.loads(
        encode(good, event_id="core-bent", source="core-banking", subject=key, time=datetime.combine(day, MORNING))
    )

    def bad(what: str, reason: str, value: bytes) -> Bad:
        return Bad(f"{topic}: {what}", reason, Message(topic, None if key is None else key.encode(), value))

    for what, reason, bend in _KINDS:
        yield bad(what, reason, bend(event))
    yield Bad(f"{topic}: no value", "empty_record", Message(topic, b"key", None))
    for field, value in event["data"].items():
        if isinstance(value, dict):
            for what, reason, money in _MONEY:
                yield bad(what, reason, _replaced(event, field, money))
        elif field in _DATES:
            yield bad("no such day", "malformed_date", _replaced(event, field, "2026-02-30"))
        elif field.endswith("_id"):
            yield bad(f"NUL in {field}", "nul_character", _replaced(event, field, "a\x00b"))


def _replaced(event: dict[str, Any], field: str, value: Any) -> bytes:
    return json.dumps(event | {"data": event["data"] | {field: value}}).encode()
