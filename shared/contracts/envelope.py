"""CloudEvents 1.0 around the contracts: structured and binary records in, structured records out.

Decoding is the first door of every service: whatever arrives becomes either an Event or Rejected with a reason a
person understands. The reason is a stable word, the detail names the field and never repeats the value.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Annotated, Any, Final, Generic, Literal, TypeVar

import orjson
from pydantic import Field, TypeAdapter, ValidationError, create_model

from shared.contracts.fields import Contract, Id, Instant, Text
from shared.contracts.topics import BY_NAME, TYPE_OF, Topic
from shared.vocabulary.errors import Rejected

PAYLOAD_BYTES_MAX: Final = 262_144
"""A record over this is refused unread: no event of ours comes near it."""

Headers = Iterable[tuple[str, bytes]]
D = TypeVar("D", bound=Contract)


@dataclass(frozen=True, slots=True)
class Event(Generic[D]):
    """One decoded event. `source` and `id` identify it; `time` is the instant of recording (aware)."""

    id: str
    source: str
    type: str
    subject: str | None
    time: datetime
    data: D


class Envelope(Contract):
    """The CloudEvents attributes Arrears reads; other attributes are extensions and are passed over."""

    specversion: Literal["1.0"]
    id: Id
    source: Id
    subject: Id | None = None
    time: Instant
    datacontenttype: Literal["application/json"] | None = None
    dataschema: Text | None = None


def envelope_of(event_type: str, contract: type[Contract]) -> type[Envelope]:
    """The structured-mode model of one event type."""
    literal: Any = Literal[event_type]
    return create_model(contract.__name__, __base__=Envelope, type=(literal, ...), data=(contract, ...))


@cache
def _structured(topic: str) -> TypeAdapter[Any]:
    models = [envelope_of(name, contract) for name, contract in BY_NAME[topic].types.items()]
    if len(models) == 1:
        return TypeAdapter(models[0])
    union: Any = models[0]
    for model in models[1:]:
        union = union | model
    return TypeAdapter(Annotated[union, Field(discriminator="type")])


@cache
def _data(contract: type[Contract]) -> TypeAdapter[Any]:
    return TypeAdapter(contract)


def decode(topic: str, value: bytes | None, headers: Headers = ()) -> Event[Any]:
    """One record's event; Rejected when it is not JSON, not CloudEvents, of no known type, or malformed."""
    if value is None:
        raise Rejected("empty_record", "the record has no value; expected a CloudEvent")
    if len(value) > PAYLOAD_BYTES_MAX:
        raise Rejected("too_large", f"the record has {len(value)} bytes; at most {PAYLOAD_BYTES_MAX} are read")
    attributes = _binary_attributes(headers)
    try:
        if attributes:
            return _decode_binary(BY_NAME[topic], value, attributes)
        read = _structured(topic).validate_json(value)
        return Event(read.id, read.source, read.type, read.subject, read.time, read.data)
    except ValidationError as error:
        raise refusal(error, BY_NAME[topic]) from None


def _binary_attributes(headers: Headers) -> dict[str, str]:
    return {name[3:]: raw.decode("utf-8", "replace") for name, raw in headers if name.startswith("ce_")}


def _decode_binary(topic: Topic, value: bytes, attributes: Mapping[str, str]) -> Event[Any]:
    contract = topic.types.get(attributes.get("type", ""))
    if contract is None:
        raise Rejected("unknown_type", _known(topic))
    head = Envelope.model_validate_json(orjson.dumps(dict(attributes)))
    data = _data(contract).validate_json(value)
    return Event(head.id, head.source, TYPE_OF[contract], head.subject, head.time, data)


_REASONS: Final = {
    "json_invalid": "not_json", "missing": "missing_field", "union_tag_invalid": "unknown_type",
    "union_tag_not_found": "not_cloudevents", "model_type": "not_cloudevents",
    "model_attributes_type": "not_cloudevents",
    "dict_type": "not_cloudevents", "string_too_long": "text_too_long", "string_too_short": "empty_text",
    "timezone_aware": "naive_time", "date_from_datetime_parsing": "malformed_date", "date_parsing": "malformed_date",
    "date_type": "malformed_date", "datetime_parsing": "malformed_time", "datetime_from_date_parsing": "malformed_time",
    "datetime_type": "malformed_time", "timezone_naive": "naive_time",
}  # fmt: skip
_OURS: Final = {
    "nul_character", "unknown_currency", "malformed_amount", "too_many_decimals", "amount_too_large", "negative_amount",
}  # fmt: skip
_ATTRIBUTES: Final = {"specversion", "id", "source", "type", "time"}


def refusal(error: ValidationError, topic: Topic) -> Rejected:
    """The first complaint of a validation as a dead-letter reason, naming the field but not its content."""
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    path = ".".join(str(part) for part in first["loc"] if part not in topic.types)
    kind = first["type"]
    reason = kind if kind in _OURS else _REASONS.get(kind, "malformed_field")
    if reason == "unknown_type":
        return Rejected(reason, _known(topic))
    if path in _ATTRIBUTES or (reason == "not_cloudevents" and path != "data"):
        if kind not in _OURS and reason != "naive_time":
            return Rejected("not_cloudevents", f"CloudEvents 1.0 attribute {path or 'type'!r}: {first['msg']}")
    elif reason == "not_cloudevents":
        reason = "malformed_field"
    return Rejected(reason, f"{path}: {first['msg']}" if path else first["msg"])


def _known(topic: Topic) -> str:
    return f"{topic.name} carries {', '.join(sorted(topic.types))}"


def encode(data: Contract, *, event_id: str, source: str, subject: str | None, time: datetime) -> bytes:
    """A structured-mode CloudEvent as JSON bytes."""
    attributes: dict[str, str] = {
        "specversion": "1.0", "id": event_id, "source": source, "type": TYPE_OF[type(data)],
        "time": time.astimezone(UTC).isoformat().replace("+00:00", "Z"), "datacontenttype": "application/json",
    }  # fmt: skip
    if subject is not None:
        attributes["subject"] = subject
    body: bytes = data.__pydantic_serializer__.to_json(data, exclude_none=True)
    return orjson.dumps(attributes)[:-1] + b',"data":' + body + b"}"
