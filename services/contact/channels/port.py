"""What the dispatcher asks of a channel, and what a channel answers. The answer never guesses."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


class Went(StrEnum):
    """What is certain about one handing over."""

    ACCEPTED = "accepted"
    """The provider has it."""
    DELIVERED = "delivered"
    """The provider says that it arrived; only ever an answer to a question about an earlier handing over."""
    REFUSED = "refused"
    """The provider looked at it and will not deliver it."""
    LATER = "later"
    """The provider certainly did not take it now, for reasons of this one message; it may be offered again later."""
    NOT_SENT = "not_sent"
    """It certainly never reached the provider; the channel as a whole is in trouble, or was."""
    UNKNOWN = "unknown"
    """It may have: the answer was lost."""


@dataclass(frozen=True, slots=True)
class Handed:
    """How a handing over went; `reason` is a stable word for all but the good ends."""

    went: Went
    provider_id: str | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Message:
    """One message. `token` names it for ever: the provider takes no second message with the same token."""

    token: str
    to: str
    body: str
    subject: str = ""


class Channel(Protocol):
    """A way to send messages."""

    @property
    def keeps_record(self) -> bool:
        """Whether `find` can ever say more than UNKNOWN; without that, only a person can."""

    async def send(self, message: Message) -> Handed:
        """Hand one message over. Never raises for what a provider or network does, never tries twice by itself
        once the provider may have it."""

    async def find(self, token: str) -> Handed:
        """What became of an earlier message with that token: NOT_SENT when the provider never got it, UNKNOWN when
        that cannot be said now, or ever (this channel keeps no record)."""

    async def close(self) -> None:
        """Let go of connections."""
