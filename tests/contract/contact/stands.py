"""A channel with its provider, real or fake, and the provider's moods in the tests' hands."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import orjson
from aiosmtpd.smtp import SMTP, Envelope, Session
from starlette.requests import Request
from starlette.responses import Response

from deploy.local.ports import free_port
from deploy.local.serving import serve_apps
from deploy.local.sms_gateway import SmsGateway
from deploy.local.smtp import Inbox
from services.contact.channels.email import SmtpEmail
from services.contact.channels.fake import FakeChannel
from services.contact.channels.port import Channel, Went
from services.contact.channels.sms import TwilioSms

TIMEOUT_S = 0.4


@dataclass
class Stand(ABC):
    """`received` counts the messages the provider has, repeats of a token not counted."""

    channel: Channel
    to: str

    @property
    @abstractmethod
    def received(self) -> list[tuple[str, str]]:
        """(to, text) of every message at the provider."""

    @abstractmethod
    async def be(self, mood: str) -> None:
        """How the provider takes the next message: well, refusing, losing_answer, busy or away. Only the next."""


@dataclass
class FakeStand(Stand):
    channel: FakeChannel

    @property
    def received(self) -> list[tuple[str, str]]:
        return [(message.to, message.body) for message in self.channel.received.values()]

    async def be(self, mood: str) -> None:
        went = {"refusing": Went.REFUSED, "losing_answer": Went.UNKNOWN, "busy": Went.LATER, "away": Went.NOT_SENT}
        self.channel.goes = [went[mood]]


@dataclass
class MoodyGateway(SmsGateway):
    """The local gateway, with bad days. `busy` is Twilio's 429; a lost answer is one that never comes."""

    mood: str = "well"
    status: int = 0

    async def send(self, request: Request) -> Response:
        mood, self.mood = self.mood, "well"
        if mood == "refusing":
            return Response(orjson.dumps({"code": 21610, "message": "unsubscribed"}), 400)
        if mood.isdecimal():
            return Response(b"not even JSON", int(mood))
        answer = await super().send(request)
        if mood == "losing_answer":
            await asyncio.sleep(TIMEOUT_S * 3)
        return answer


@dataclass
class TwilioStand(Stand):
    gateway: MoodyGateway
    stop_listening: asyncio.Event

    @property
    def received(self) -> list[tuple[str, str]]:
        return [(sms.to, sms.body) for sms in self.gateway.messages]

    async def be(self, mood: str) -> None:
        self.gateway.mood = "429" if mood in ("busy", "away") else mood


@dataclass
class MoodyInbox(Inbox):
    """The local SMTP server's inbox, with bad days."""

    mood: str = "well"
    sessions: int = 0

    async def handle_EHLO(self, server: SMTP, session: Session, envelope: Envelope, hostname: str, r: Any) -> Any:  # noqa: N802
        self.sessions += 1
        session.host_name = hostname
        return r

    async def handle_RCPT(self, server: SMTP, s: Session, envelope: Envelope, to: str, options: Any) -> str:  # noqa: N802
        mood, self.mood = self.mood, "well"
        if mood in ("refusing", "busy", "away"):
            return {"refusing": "550 no such user", "busy": "450 greylisted", "away": "421 closing"}[mood]
        self.mood = mood
        envelope.rcpt_tos.append(to)
        return "250 ok"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        mood, self.mood = self.mood, "well"
        answer = await super().handle_DATA(server, session, envelope)
        if mood == "losing_answer":
            assert isinstance(server.transport, asyncio.WriteTransport)
            server.transport.abort()
        return answer


@dataclass
class SmtpStand(Stand):
    inbox: MoodyInbox = field(default_factory=MoodyInbox)

    @property
    def received(self) -> list[tuple[str, str]]:
        return [(email.recipients[0], email.shown()["text"].strip()) for email in self.inbox.emails]

    async def be(self, mood: str) -> None:
        self.inbox.mood = mood


def twilio(url: str) -> TwilioSms:
    """The real adapter, impatient."""
    return TwilioSms(
        url=url, account_sid="AC1", auth_token="secret", sender="+440", callback_url=f"{url}/no-such-path",
        timeout_s=TIMEOUT_S, connections_max=4,
    )  # fmt: skip


def smtp(port: int) -> SmtpEmail:
    """The real adapter, impatient."""
    return SmtpEmail(host="127.0.0.1", port=port, sender="desk@lender.example", timeout_s=TIMEOUT_S, connections_max=2)


@asynccontextmanager
async def stand(kind: str) -> AsyncIterator[Stand]:
    """A channel of that kind with its provider running."""
    if kind == "fake":
        yield FakeStand(FakeChannel(), "+4915100000001")
    elif kind == "twilio":
        gateway, port = MoodyGateway("AC1", "secret"), free_port()
        async with serve_apps({port: gateway.app()}):
            channel = twilio(f"http://127.0.0.1:{port}")
            yield TwilioStand(channel, "+4915100000001", gateway, asyncio.Event())
            await channel.close()
    else:
        inbox, port = MoodyInbox(), free_port()
        loop = asyncio.get_running_loop()
        async with await loop.create_server(lambda: SMTP(inbox, hostname="localhost", loop=loop), "127.0.0.1", port):
            mail = smtp(port)
            yield SmtpStand(mail, "ann@home.example", inbox)
            await mail.close()
