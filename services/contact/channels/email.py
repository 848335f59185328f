"""E-mail over SMTP, on a few connections kept open. SMTP has no idempotency: an answer lost at DATA stays unknown."""

import asyncio
import re
from email.headerregistry import HeaderRegistry
from email.message import EmailMessage
from email.policy import SMTP, Policy
from functools import lru_cache
from typing import Any, Final

import aiosmtplib

from services.contact.channels.port import Handed, Message, Went

_HEADERS: Final = HeaderRegistry()


# An address or id of letters, digits and few other signs: it stands in a header as it is.
_SIMPLE: Final = re.compile(r"[\w.+-]+@[\w.-]+|<[\w.+-]+@[\w.-]+>", re.ASCII)
_LINE_MAX: Final = 78


class _Simple(str):
    """A header that needs neither parsing nor folding; in all else as the standard library's."""

    __slots__ = ("name",)
    name: str

    def fold(self, *, policy: Policy) -> str:
        """The header's line."""
        return f"{self.name}: {self}{policy.linesep}"


class _KnownHeaders:
    """The standard library's headers, each made once: all but the recipient and the id are the same in many e-mails.

    To make them takes most of the time that an e-mail takes.
    """

    made = staticmethod(lru_cache(maxsize=256)(_HEADERS.__call__))
    kind = staticmethod(lru_cache(maxsize=64)(_HEADERS.__getitem__))

    def __call__(self, name: str, value: str) -> Any:
        """A header of that name and value."""
        if len(name) + len(": ") + len(value) > _LINE_MAX or not _SIMPLE.fullmatch(value):
            return self.made(name, value)
        simple = _Simple(value)
        simple.name = name
        return simple

    def __getitem__(self, name: str) -> Any:
        """The class of headers of that name."""
        return self.kind(name)


_POLICY: Final = SMTP.clone(header_factory=_KnownHeaders())
_TEMPORARY: Final = range(400, 500)
_CLOSING: Final = 421
_LOST: Final = (aiosmtplib.SMTPServerDisconnected, aiosmtplib.SMTPTimeoutError, OSError)


class SmtpEmail:
    """Sends through one server. Up to DATA everything may be tried again; from there on nothing is."""

    keeps_record = False

    def __init__(self, *, host: str, port: int, sender: str, timeout_s: float, connections_max: int) -> None:
        self._sender = sender
        self._domain = sender.rpartition("@")[2]
        self._idle: asyncio.LifoQueue[aiosmtplib.SMTP] = asyncio.LifoQueue()
        for _ in range(connections_max):
            self._idle.put_nowait(
                aiosmtplib.SMTP(hostname=host, port=port, timeout=timeout_s, start_tls=None, use_tls=False)
            )

    async def send(self, message: Message) -> Handed:
        """Hand one e-mail over; its Message-ID is its token."""
        content = self.content(message)
        if content is None:
            return Handed(Went.REFUSED, reason="malformed_email")
        client = await self._idle.get()
        try:
            return await self._hand_over(client, message.to, content)
        finally:
            self._idle.put_nowait(client)

    async def find(self, token: str) -> Handed:
        """Only a person can say: SMTP servers keep no record to ask."""
        return Handed(Went.UNKNOWN, reason="smtp_cannot_say")

    async def close(self) -> None:
        """Say goodbye on every open connection."""
        while not self._idle.empty():
            client = self._idle.get_nowait()
            if client.is_connected:
                client.close()

    def content(self, message: Message) -> bytes | None:
        """The e-mail as it goes over the wire; None where a value cannot stand in a header or an address."""
        if not message.to.isascii():
            return None
        email = EmailMessage(policy=_POLICY)
        try:
            email["From"] = self._sender
            email["To"] = message.to
            email["Subject"] = message.subject
            email["Message-ID"] = f"<{message.token}@{self._domain}>"
            email["Auto-Submitted"] = "auto-generated"
            email.set_content(message.body)
            return bytes(email)
        except ValueError:
            return None

    async def _hand_over(self, client: aiosmtplib.SMTP, to: str, content: bytes) -> Handed:
        if refusal := await self._prepared(client, to, fresh=not client.is_connected):
            return refusal
        try:
            answer = await client.data(content)
        except aiosmtplib.SMTPResponseException as error:
            return _refused(error.code)
        except _LOST as error:
            client.close()
            return Handed(Went.UNKNOWN, reason=f"smtp_answer_lost_{type(error).__name__}")
        return Handed(Went.ACCEPTED, provider_id=answer.message[:200])

    async def _prepared(self, client: aiosmtplib.SMTP, to: str, *, fresh: bool) -> Handed | None:
        """Connect where needed, name sender and recipient; how it went if it did not go well.

        A connection the server has closed while it was idle is opened again once: nothing was handed over yet.
        """
        try:
            if not client.is_connected:
                await client.connect()
            await client.mail(self._sender)
            await client.rcpt(to)
        except aiosmtplib.SMTPResponseException as error:
            await _reset(client)
            return _refused(error.code)
        except (*_LOST, aiosmtplib.SMTPException) as error:
            client.close()
            if not fresh:
                return await self._prepared(client, to, fresh=True)
            return Handed(Went.NOT_SENT, reason=f"smtp_unreachable_{type(error).__name__}")
        return None


def _refused(code: int) -> Handed:
    """5xx is final for this e-mail, 4xx only for now (its mailbox is full or greylisted); 421 is about the server."""
    if code == _CLOSING:
        return Handed(Went.NOT_SENT, reason=f"smtp_{code}")
    return Handed(Went.LATER if code in _TEMPORARY else Went.REFUSED, reason=f"smtp_{code}")


async def _reset(client: aiosmtplib.SMTP) -> None:
    try:
        await client.rset()
    except (aiosmtplib.SMTPException, OSError):
        client.close()
