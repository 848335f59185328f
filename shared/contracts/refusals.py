"""Why a record was refused: pydantic's complaint as a stable reason and one sentence for a person.

The reason is a word that can be counted and searched; the detail names the field and what was expected. Neither ever
repeats a value, which may be anybody's name or number.
"""

from functools import cache
from typing import Any, Final

from pydantic import ValidationError

from shared.contracts.fields import Contract
from shared.contracts.topics import Topic
from shared.vocabulary.errors import Rejected

_REASONS: Final = {
    "json_invalid": "not_json",
    "union_tag_invalid": "unknown_type",
    "union_tag_not_found": "not_cloudevents",
    "model_type": "not_an_object",
    "model_attributes_type": "not_an_object",
    "dict_type": "not_an_object",
    "missing": "missing_field",
    "string_too_long": "text_too_long",
    "string_too_short": "empty_text",
    "timezone_aware": "naive_time",
    "date_parsing": "malformed_date",
    "date_from_datetime_parsing": "malformed_date",
    "date_type": "malformed_date",
    "datetime_parsing": "malformed_time",
    "datetime_from_date_parsing": "malformed_time",
    "datetime_object_invalid": "malformed_time",
    "datetime_type": "malformed_time",
    "greater_than_equal": "out_of_range",
    "less_than_equal": "out_of_range",
    "less_than": "out_of_range",
    "int_parsing_size": "out_of_range",
    "too_long": "too_many_items",
}
"""pydantic's error type -> our reason; what is in neither list is `malformed_field`."""

_OURS: Final = {
    "unknown_currency",
    "malformed_amount",
    "too_many_decimals",
    "amount_too_large",
    "negative_amount",
    "wrong_currency",
    "ends_before_it_begins",
    "malformed_date",
    "malformed_time",
}
"""Error types raised by our own fields: already reasons."""

_SAID: Final = {
    "missing_field": "is missing",
    "nul_character": "may not contain NUL characters",
    "empty_text": "may not be empty",
    "naive_time": "needs a time zone: YYYY-MM-DDThh:mm:ssZ",
    "not_an_object": "must be a JSON object",
}
"""Our sentence where pydantic's is about Python."""

_ATTRIBUTES: Final = {"specversion", "id", "source", "subject", "time", "type", "datacontenttype", "dataschema"}
_OWN_REASON: Final = {"nul_character", "naive_time", "text_too_long"}
"""What is said of an attribute as of any field; any other complaint about one is `not_cloudevents`."""


def refusal(error: ValidationError, topic: Topic, *, within: str | None = None) -> Rejected:
    """The first complaint of a validation, as it goes to the dead letters. `within` is the place validation began."""
    first = error.errors(include_url=False, include_context=False)[0]
    if first["type"] == "union_tag_invalid":
        return unknown_type(topic)
    reason, place = _reason(first), _place(first, topic, within)
    said = _SAID.get(reason) or first["msg"].removeprefix("Input ").removeprefix("String ")
    if reason == "not_json":
        return Rejected(reason, f"{within or 'the record'}: {said}")
    if reason == "not_cloudevents" or (reason == "not_an_object" and not place):
        return Rejected("not_cloudevents", "expected a CloudEvents 1.0 object with specversion, id, source, type, time")
    if place in _ATTRIBUTES and reason not in _OWN_REASON:
        return Rejected("not_cloudevents", f"CloudEvents 1.0 attribute {place}: {said}")
    return Rejected(reason, f"{place}: {said}")


def unknown_type(topic: Topic) -> Rejected:
    """A type the topic does not carry."""
    return Rejected("unknown_type", f"{topic.name} carries {', '.join(sorted(topic.types))}")


def _reason(first: Any) -> str:
    kind: str = first["type"]
    if kind == "string_pattern_mismatch" and "\x00" in first["input"]:
        return "nul_character"
    return kind if kind in _OURS else _REASONS.get(kind, "malformed_field")


def _place(first: Any, topic: Topic, within: str | None) -> str:
    """The path of the field in the event. The key of a map is content, so only the map is named."""
    path = [part for part in first["loc"] if part not in topic.types]
    known = [str(part) if isinstance(part, int) or part in _field_names() else "(key)" for part in path]
    return ".".join([within, *known] if within else known)


@cache
def _field_names() -> frozenset[str]:
    """Every field of every contract; those of an amount are its wire form's."""
    names, waiting = {"type", "data", "amount", "currency"}, list(Contract.__subclasses__())
    while waiting:
        contract = waiting.pop()
        names |= contract.model_fields.keys()
        waiting += contract.__subclasses__()
    return frozenset(names)
