"""An event as operations may see it: identifiers, dates, amounts and codes; nothing that says who somebody is.

Refused records may hold anything anywhere, so the rule is to show only what is certainly harmless: a field known to
the contracts, not personal, whose value looks like an identifier, a date or an amount. Names of unknown fields are
content too, and so are a record's own headers, and whatever stands where an object or a list of them belongs.
"""

import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, Final

import orjson

from shared.contracts.fields import Contract

PERSONAL: Final = frozenset(
    {
        "name", "address", "value", "language", "time_zone", "region", "branch", "verified_on",
        "reason", "detail", "inputs", "agency",
    }
)  # fmt: skip
"""Fields about a person, and texts that people write."""

_ATTRIBUTES: Final = frozenset(
    {"specversion", "id", "source", "type", "subject", "time", "datacontenttype", "data", "amount", "currency"}
)
HOLDERS: Final = frozenset({"data", "accounts", "contact_points"})
"""Fields of objects: a text or a number right in them is out of place, and may be anybody's name or number."""
_HEADERS: Final = frozenset(
    {f"ce_{name}" for name in (*_ATTRIBUTES, "dataschema")} | {"content-type", "arrears-shard", "arrears-seq"}
)
_HARMLESS: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/<>+-]{0,99}")
_ITEMS_MAX: Final = 50
_DEPTH_MAX: Final = 8


def masked(value: bytes | None) -> Any:
    """A record's value with everything hidden that may be about a person."""
    if value is None:
        return None
    try:
        return _held(orjson.loads(value), 0)
    except orjson.JSONDecodeError:
        return _size("not JSON", len(value), "byte")


def masked_text(text: str | bytes | None) -> str | None:
    """A key or an identifier: as it is where it looks like one."""
    if text is None:
        return None
    read = text if isinstance(text, str) else text.decode("utf-8", "replace")
    return read if _HARMLESS.fullmatch(read) else _size("text", len(read), "character")


def masked_header(name: str, raw: bytes | None) -> tuple[str, str | None]:
    """A record's header: as it is where it is one that we know and looks harmless."""
    if name.lower() in _HEADERS:
        return name, masked_text(raw)
    return "(unknown header)", None if raw is None else _size("text", len(raw), "byte")


def _held(value: Any, depth: int) -> Any:
    """Where an object or a list of objects belongs."""
    if isinstance(value, Mapping):
        return _shown(value, depth)
    if isinstance(value, str) or not isinstance(value, Sequence) or depth == _DEPTH_MAX:
        return _hidden(value)
    return [_held(inner, depth + 1) for _, inner in _first(value)]


def _shown(value: Any, depth: int) -> Any:
    if isinstance(value, str):
        return masked_text(value)
    if isinstance(value, Mapping | Sequence) and depth == _DEPTH_MAX:
        return _size("nested", len(value), "item")
    if isinstance(value, Mapping):
        return dict(_field(name, inner, place, depth) for place, (name, inner) in _first(value.items()))
    if isinstance(value, Sequence):
        return [_shown(inner, depth + 1) for _, inner in _first(value)]
    return value


def _field(name: str, value: Any, place: int, depth: int) -> tuple[str, Any]:
    if name in PERSONAL:
        return name, _hidden(value)
    if name in _known():
        return name, (_held if name in HOLDERS else _shown)(value, depth + 1)
    return f"(unknown field {place})", _hidden(value)


def _hidden(value: Any) -> str | None:
    if isinstance(value, str):
        return _size("text", len(value), "character")
    if isinstance(value, Mapping | Sequence):
        return _size("nested", len(value), "item")
    return None if value is None else "(masked)"


def _first(items: Any) -> list[tuple[int, Any]]:
    return list(enumerate(items, 1))[:_ITEMS_MAX]


def _size(what: str, count: int, unit: str) -> str:
    return f"({what}, {count} {unit}{'' if count == 1 else 's'})"


@cache
def _known() -> frozenset[str]:
    names, waiting = set(_ATTRIBUTES), list(Contract.__subclasses__())
    while waiting:
        contract = waiting.pop()
        names |= contract.model_fields.keys()
        waiting += contract.__subclasses__()
    return frozenset(names)
