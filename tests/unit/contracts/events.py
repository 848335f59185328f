"""Wire events to bend: a bill as core banking publishes it, and what each wrong turn of it should be called."""

import json
from typing import Any, Final

from shared.contracts.banking import BillIssued
from shared.contracts.schemas import example_event

GONE: Final = object()
"""Stands for a field to leave out."""

BILLING: Final = "banking.billing"


def bill(*, data: dict[str, Any] | None = None, **attributes: Any) -> bytes:
    """A bill on the wire with some attributes, and some fields of its data, replaced."""
    event = example_event(BillIssued) | attributes
    if isinstance(event.get("data"), dict):
        event["data"] = _kept(event["data"] | (data or {}))
    return json.dumps(_kept(event)).encode()


def _kept(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not GONE}
