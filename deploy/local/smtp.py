"""A real SMTP server that sends nothing on: it keeps what it got and shows it over HTTP.

`GET /messages` lists the emails, `DELETE /messages` forgets them.
Alone: `python -m deploy.local.smtp --port 2525 --http-port 8025`.
"""

import asyncio
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Annotated, Any

import orjson
import typer
import uvloop
from aiosmtpd.smtp import SMTP, Envelope, Session
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from deploy.local.serving import LOOPBACK, serve_until_stopped, skipped

MESSAGE_BYTES_MAX = 1_048_576


@dataclass(frozen=True)
class Email:
    """One email as it came over the wire. Parsed when somebody looks, since most are only counted."""

    sender: str
    recipients: tuple[str, ...]
    content: bytes

    def shown(self) -> dict[str, Any]:
        message = message_from_bytes(self.content, EmailMessage, policy=default)
        body = message.get_body(("plain", "html"))
        return {
            "from": self.sender,
            "to": list(self.recipients),
            "subject": str(message["subject"] or ""),
            "headers": {name: str(value) for name, value in message.items()},
            "text": body.get_content().replace("\r\n", "\n") if body is not None else "",
        }


@dataclass
class Inbox:
    """The emails received; aiosmtpd calls it for each."""

    emails: list[Email] = field(default_factory=list)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802  aiosmtpd's name
        content = envelope.content if isinstance(envelope.content, bytes) else b""
        self.emails.append(Email(envelope.mail_from or "", tuple(envelope.rcpt_tos), content))
        return "250 kept"

    async def show(self, request: Request) -> Response:
        """All emails, or with ?after=n those after the first n."""
        shown = [email.shown() for email in self.emails[skipped(request) :]]
        return Response(orjson.dumps({"count": len(shown), "messages": shown}), media_type="application/json")

    async def forget(self, request: Request) -> Response:
        self.emails.clear()
        return Response(status_code=204)

    def app(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/messages", self.show, methods=["GET"]),
                Route("/messages", self.forget, methods=["DELETE"]),
            ]
        )


async def listen(inbox: Inbox, port: int, host: str = LOOPBACK) -> asyncio.Server:
    """Accept SMTP on the port."""
    loop = asyncio.get_running_loop()
    return await loop.create_server(
        lambda: SMTP(inbox, hostname="localhost", data_size_limit=MESSAGE_BYTES_MAX, enable_SMTPUTF8=True, loop=loop),
        host=host,
        port=port,
    )


def main(port: Annotated[int, typer.Option()] = 2525, http_port: Annotated[int, typer.Option()] = 8025) -> None:
    """Run the SMTP server and its window."""

    async def run() -> None:
        inbox = Inbox()
        async with await listen(inbox, port):
            await serve_until_stopped({http_port: inbox.app()})

    uvloop.run(run())


if __name__ == "__main__":
    typer.run(main)
