"""An event as operations may see it: identifiers, dates, amounts and codes; nothing that says who somebody is.

Refused records may hold anything anywhere, so the rule is to show only what is certainly harmless: a field known to
the contracts, not personal, whose value looks like an identifier, a date or an amount. Names of unknown fields are
content too.
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
_HARMLESS: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/<>+-]{0,99}")
_ITEMS_MAX: Final = 50
_DEPTH_MAX: Final = 8


def masked(value: bytes | None) -> Any:
    """A record's value with everything hidden that may be about a person."""
    if value is None:
        return None
    try:
        return _shown(orjson.loads(value), 0)
    except orjson.JSONDecodeError:
        return _size("not JSON", len(value), "byte")


def masked_text(text: str | bytes | None) -> str | None:
    """A key or an identifier: as it is where it looks like one."""
    if text is None:
        return None
    read = text if isinstance(text, str) else text.decode("utf-8", "replace")
    return read if _HARMLESS.fullmatch(read) else _size("text", len(read), "character")


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
        return name, _shown(value, depth + 1)
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
