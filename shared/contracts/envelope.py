"""CloudEvents 1.0 around the contracts: structured and binary records in, structured records out.

Decoding is the first door of every service: whatever arrives becomes either an Event or Rejected with a reason a
person understands (`refusals`).
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from functools import cache, lru_cache
from typing import Annotated, Any, Final, Generic, Literal, NamedTuple, NotRequired, TypeVar, Union

import orjson
from pydantic import Field, TypeAdapter, ValidationError, create_model
from typing_extensions import TypedDict

from shared.contracts.fields import Contract, Id, Instant, Text
from shared.contracts.refusals import refusal, unknown_type
from shared.contracts.topics import BY_NAME, TYPE_OF
from shared.vocabulary.errors import Rejected

PAYLOAD_BYTES_MAX: Final = 262_144
"""A record over this is refused unread: no event of ours comes near it."""

Header = tuple[str, bytes | None]
Headers = Iterable[Header]
JSON_MEDIA_TYPE: Final = r"^application/([A-Za-z0-9.+-]+\+)?json *(;.*)?$"
D = TypeVar("D", bound=Contract)


class Event(NamedTuple, Generic[D]):
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
    datacontenttype: Annotated[str, Field(pattern=JSON_MEDIA_TYPE)] | None = None
    dataschema: Text | None = None


def envelope_of(event_type: str, contract: type[Contract]) -> type[Envelope]:
    """The structured-mode model of one event type."""
    literal: Any = Literal[event_type]
    return create_model(contract.__name__, __base__=Envelope, type=(literal, ...), data=(contract, ...))


def _read_as(model: type[Envelope]) -> Any:
    """The same fields as a dictionary: every event of every service is read once, and models take a quarter longer."""
    fields: dict[str, Any] = {}
    for name, field in model.model_fields.items():
        told: Any = Annotated[field.annotation, *field.metadata] if field.metadata else field.annotation
        fields[name] = told if field.is_required() else NotRequired[told]
    make: Any = TypedDict  # made here, not declared
    read = make(model.__name__, fields)
    read.__pydantic_config__ = Envelope.model_config
    return read


@cache
def _structured(topic: str) -> Callable[[bytes], dict[str, Any]]:
    read = [_read_as(envelope_of(name, contract)) for name, contract in BY_NAME[topic].types.items()]
    union: Any = read[0] if len(read) == 1 else Annotated[Union[tuple(read)], Field(discriminator="type")]  # noqa: UP007
    return TypeAdapter(union).validator.validate_json


@cache
def _data(contract: type[Contract]) -> TypeAdapter[Any]:
    return TypeAdapter(contract)


def decode(topic: str, value: bytes | None, headers: Headers = ()) -> Event[Any]:
    """One record's event; Rejected when it is not JSON, not CloudEvents, of no known type, or malformed."""
    if not value:
        raise Rejected("empty_record", "the record has no value; expected a CloudEvent")
    if len(value) > PAYLOAD_BYTES_MAX:
        raise Rejected("too_large", f"the record has {len(value)} bytes; at most {PAYLOAD_BYTES_MAX} are read")
    if headers:
        attributes = _binary_attributes(headers)
        if attributes:
            return _decode_binary(topic, value, attributes)
    try:
        read = _structured(topic)(value)
    except ValidationError as error:
        raise refusal(error, BY_NAME[topic]) from None
    return Event(read["id"], read["source"], read["type"], read.get("subject"), read["time"], read["data"])


def _binary_attributes(headers: Headers) -> dict[str, str]:
    """The CloudEvents attributes in a record's headers (Kafka protocol binding, 3.2); none in structured mode."""
    given = {name.lower(): raw or b"" for name, raw in headers}
    try:
        # A name that was not UTF-8 holds lone surrogates in place of the bad bytes.
        if not all(map(str.isascii, given)):
            "".join(given).encode()
        attributes = {name[3:]: raw.decode() for name, raw in given.items() if name.startswith("ce_")}
        if attributes and "content-type" in given:
            attributes["datacontenttype"] = given["content-type"].decode()
    except UnicodeError:
        raise Rejected("malformed_header", "names of headers, and CloudEvents attributes in them, are UTF-8") from None
    return attributes


def _decode_binary(topic: str, value: bytes, attributes: Mapping[str, str]) -> Event[Any]:
    try:
        head = _data(Envelope).validate_json(orjson.dumps(attributes))
    except ValidationError as error:
        raise refusal(error, BY_NAME[topic]) from None
    contract = BY_NAME[topic].types.get(attributes.get("type", ""))
    if contract is None:
        raise unknown_type(BY_NAME[topic])
    try:
        data = _data(contract).validate_json(value)
    except ValidationError as error:
        raise refusal(error, BY_NAME[topic], within="data") from None
    return Event(head.id, head.source, TYPE_OF[contract], head.subject, head.time, data)


def encode(data: Contract, *, event_id: str, source: str, subject: str | None, time: datetime) -> bytes:
    """A structured-mode CloudEvent as JSON bytes."""
    told = b"" if subject is None else b',"subject":' + orjson.dumps(subject)
    body: bytes = data.__pydantic_serializer__.to_json(data, exclude_none=True)
    return b"".join((_head(TYPE_OF[type(data)], source, time), orjson.dumps(event_id), told, b',"data":', body, b"}"))


@lru_cache(maxsize=1_024)
def _head(event_type: str, source: str, time: datetime) -> bytes:
    """What the events of one type and transaction have in common, up to the id."""
    attributes = {
        "specversion": "1.0",
        "source": source,
        "type": event_type,
        "time": _written(time),
        "datacontenttype": "application/json",
    }
    return orjson.dumps(attributes)[:-1] + b',"id":'


def _written(instant: datetime) -> str:
    """RFC 3339 in UTC."""
    return instant.astimezone(UTC).isoformat().replace("+00:00", "Z")
