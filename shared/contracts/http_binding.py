"""CloudEvents over HTTP (HTTP protocol binding 1.0): single and batched, structured and binary, as structured records.

What comes out are the bytes to publish; whether they are events anybody reads is the envelope's to say.
"""

from collections.abc import Mapping
from typing import Final
from urllib.parse import unquote

import orjson

from shared.vocabulary.errors import Rejected

SINGLE: Final = "application/cloudevents+json"
BATCH: Final = "application/cloudevents-batch+json"
PREFIX: Final = "ce-"


def events_in(headers: Mapping[str, str], body: bytes) -> list[bytes | Rejected]:
    """The structured events of a request, in order, or why one cannot be written; header names are in lower case.

    Rejected is raised when the request as a whole cannot be read.
    """
    content_type = headers.get("content-type", "")
    media = content_type.partition(";")[0].strip().lower()
    if media == BATCH:
        return _batch(body)
    if media == SINGLE:
        return [body]
    attributes = {name[len(PREFIX) :]: _text(raw) for name, raw in headers.items() if name.startswith(PREFIX)}
    if not attributes:
        raise Rejected(
            "media_type_unsupported", f"expected {SINGLE}, {BATCH}, or CloudEvents attributes as ce- headers"
        )
    return [_structured(attributes | {"datacontenttype": content_type}, body)]


def written(event: object) -> bytes:
    """An event that was read from JSON as a record's value; Rejected when it is nested beyond all sense or no UTF-8."""
    try:
        return orjson.dumps(event)
    except orjson.JSONEncodeError as error:
        if "ecursion" in str(error):
            raise Rejected("nested_too_deep", "an event is nested less than 250 levels deep") from None
        raise Rejected("not_json", "the event: a text or a number of it is none that JSON can carry on") from None


def _batch(body: bytes) -> list[bytes | Rejected]:
    items = _json(body)
    if not isinstance(items, list):
        raise Rejected("not_a_batch", "a batch is a JSON array of CloudEvents")
    return [_item(item) for item in items]


def _item(event: object) -> bytes | Rejected:
    try:
        return written(event)
    except Rejected as refusal:
        return refusal


def _structured(attributes: Mapping[str, str], data: bytes) -> bytes:
    # Read before it is put together: what is not one JSON value could be more than data.
    _json(data)
    return orjson.dumps(attributes)[:-1] + b',"data":' + data + b"}"


def _text(raw: str) -> str:
    try:
        return unquote(raw, errors="strict")
    except UnicodeDecodeError:
        raise Rejected("malformed_header", "CloudEvents attributes in headers are percent-encoded UTF-8") from None


def _json(body: bytes) -> object:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Rejected("not_json", f"the body is not JSON: {error.msg} at character {error.pos}") from None
