"""What has arrived at the providers: every SMS and email, with the simulated instant by which it was there."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from deploy.local.demo.line import Line


@dataclass(frozen=True, slots=True)
class Message:
    """One message at a provider. `token` is the attempt it was sent for."""

    channel: Literal["sms", "email"]
    to: str
    token: str
    text: str
    arrived: bool
    at: datetime


class Mailroom:
    """Collects messages as they come in. `messages` are all so far, in the order of their collection."""

    def __init__(self, gateway: Line, inbox: Line) -> None:
        self.messages: list[Message] = []
        self._doors: tuple[tuple[Literal["sms", "email"], Line], ...] = (("sms", gateway), ("email", inbox))
        self._seen = {"sms": 0, "email": 0}

    async def collect(self, at: datetime) -> list[Message]:
        """The messages that came since the last time."""
        fresh: list[Message] = []
        for channel, door in self._doors:
            shown = (await door.get(f"/messages?after={self._seen[channel]}"))["messages"]
            self._seen[channel] += len(shown)
            fresh += (_sms if channel == "sms" else _email)(shown, at)
        self.messages += fresh
        return fresh


def _sms(shown: list[dict[str, Any]], at: datetime) -> Iterator[Message]:
    for sms in shown:
        yield Message("sms", sms["to"], sms["idempotency_token"], sms["body"], sms["status"] == "delivered", at)


def _email(shown: list[dict[str, Any]], at: datetime) -> Iterator[Message]:
    for email in shown:
        token = email["headers"]["Message-ID"].strip("<>").partition("@")[0]
        yield Message("email", email["to"][0], token, email["text"], True, at)
