"""Ids that follow from what they name, so that a repeat, a retry or a replay comes to the same id."""

from typing import Final
from uuid import UUID, uuid5

_NAMESPACE: Final = UUID("6f1c9d3e-2a57-4b8e-9c41-5d0e7a1b2c3d")


def message_attempt_id(contact_id: str) -> str:
    """The one attempt id, and idempotency token, a message to a customer ever has."""
    return str(uuid5(_NAMESPACE, f"message:{contact_id}"))


def call_attempt_id(contact_id: str, lease: int) -> str:
    """The attempt of one lease of a call task: a call may be tried again."""
    return str(uuid5(_NAMESPACE, f"call:{contact_id}:{lease}"))


def derived_id(kind: str, contact_id: str) -> str:
    """The id of what one call brought: its promise, its dispute, its complaint."""
    return f"{kind}-{uuid5(_NAMESPACE, f'{kind}:{contact_id}')}"
