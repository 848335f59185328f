"""An SMS gateway with the shape of Twilio's Messages API, which delivers to nobody and shows what it got.

Alone: `ARREARS_SMS_ACCOUNT_SID=... ARREARS_SMS_AUTH_TOKEN=... python -m deploy.local.sms_gateway --port 8080`.
What happened to a message is told to its StatusCallback, as Twilio does (callbacks.py). For people and tests there are
`GET /messages`, `GET /pending` (callbacks not yet delivered, and how many messages came) and `DELETE /messages`.
"""

import base64
import hmac
import re
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Annotated, Any
from urllib.parse import parse_qsl

import orjson
import typer
import uvloop
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from deploy.local.callbacks import Callback, Callbacks
from deploy.local.serving import serve_until_stopped, skipped

API = "/2010-04-01/Accounts/{sid}/Messages.json"
E164 = re.compile(r"\+[1-9]\d{6,14}")
UNREACHABLE_HANDSET = 30003
DEFAULT_UNDELIVERED = "99"


@dataclass
class Sms:
    """One message; `requests` counts how often it was asked for under its idempotency token."""

    sid: str
    to: str
    sender: str
    body: str
    token: str | None
    received_at: datetime
    fails: bool
    requests: int = 1

    @property
    def final_status(self) -> str:
        return "undelivered" if self.fails else "delivered"

    @property
    def error_code(self) -> int | None:
        return UNREACHABLE_HANDSET if self.fails else None

    def answered(self, account: str) -> dict[str, Any]:
        """As Twilio answers the request that sent it."""
        return {
            "sid": self.sid,
            "account_sid": account,
            "to": self.to,
            "from": self.sender,
            "body": self.body,
            "status": "queued",
            "direction": "outbound-api",
            "num_segments": "1",
            "error_code": None,
            "error_message": None,
            "date_created": format_datetime(self.received_at),
            "uri": f"/2010-04-01/Accounts/{account}/Messages/{self.sid}.json",
        }

    def shown(self) -> dict[str, Any]:
        return {
            "sid": self.sid,
            "to": self.to,
            "from": self.sender,
            "body": self.body,
            "idempotency_token": self.token,
            "received_at": self.received_at,
            "status": self.final_status,
            "error_code": self.error_code,
            "requests": self.requests,
        }


@dataclass
class SmsGateway:
    """Messages and the HTTP API around them; numbers that end in `undelivered` never arrive."""

    account: str
    token: str
    undelivered: str = DEFAULT_UNDELIVERED
    callbacks: Callbacks = field(default_factory=Callbacks)
    messages: list[Sms] = field(default_factory=list)
    by_token: dict[str, Sms] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._credentials = "Basic " + base64.b64encode(f"{self.account}:{self.token}".encode()).decode()

    def app(self) -> Starlette:
        routes = [
            Route(API, self.send, methods=["POST"]),
            Route(API, self.look_up, methods=["GET"]),
            Route("/messages", self.show, methods=["GET"]),
            Route("/messages", self.forget, methods=["DELETE"]),
            Route("/pending", self.pending, methods=["GET"]),
        ]
        return Starlette(routes=routes, lifespan=self._lifespan)

    async def send(self, request: Request) -> Response:
        """Twilio's request to send. The same I-Twilio-Idempotency-Token again is answered with the same message."""
        form = dict(parse_qsl((await request.body()).decode(), keep_blank_values=True))
        if refusal := self._refusal(request) or _mistake(form):
            return refusal
        token = request.headers.get("i-twilio-idempotency-token")
        known = self.by_token.get(token) if token else None
        if known is not None:
            known.requests += 1
            return _json(known.answered(self.account), 201)
        sms = self._keep(form, token)
        if address := form.get("StatusCallback"):
            self.callbacks.add(_callback(address, sms, self.account, self.token))
        return _json(sms.answered(self.account), 201)

    async def look_up(self, request: Request) -> Response:
        """What became of an attempt whose answer was lost: the messages under ?IdempotencyToken=, none or one."""
        if refusal := self._refusal(request):
            return refusal
        known = self.by_token.get(request.query_params.get("IdempotencyToken", ""))
        found = [] if known is None else [{**known.answered(self.account), "status": known.final_status,
                                           "error_code": known.error_code}]  # fmt: skip
        return _json({"messages": found}, 200)

    async def show(self, request: Request) -> Response:
        """All messages, or with ?after=n those after the first n."""
        shown = [sms.shown() for sms in self.messages[skipped(request) :]]
        return _json({"count": len(shown), "messages": shown}, 200)

    async def pending(self, request: Request) -> Response:
        callbacks = {"pending": self.callbacks.pending, "given_up": self.callbacks.given_up}
        return _json({**callbacks, "received": len(self.messages)}, 200)

    async def forget(self, request: Request) -> Response:
        self.messages.clear()
        self.by_token.clear()
        return Response(status_code=204)

    @asynccontextmanager
    async def _lifespan(self, app: Starlette) -> AsyncIterator[None]:
        async with self.callbacks:
            yield

    def _keep(self, form: dict[str, str], token: str | None) -> Sms:
        sms = Sms(
            sid="SM" + secrets.token_hex(16),
            to=form["To"],
            sender=form["From"],
            body=form["Body"],
            token=token,
            received_at=datetime.now(UTC),
            fails=bool(self.undelivered) and form["To"].endswith(self.undelivered),
        )
        self.messages.append(sms)
        if token:
            self.by_token[token] = sms
        return sms

    def _refusal(self, request: Request) -> Response | None:
        given = request.headers.get("authorization", "")
        if not secrets.compare_digest(given.encode(), self._credentials.encode()):
            return _error(401, 20003, "Authenticate")
        if request.path_params["sid"] != self.account:
            return _error(404, 20404, "The requested resource was not found")
        return None


def _mistake(form: dict[str, str]) -> Response | None:
    for name, code in (("To", 21604), ("From", 21603), ("Body", 21602)):
        if not form.get(name):
            return _error(400, code, f"A '{name}' is required.")
    if not E164.fullmatch(form["To"]):
        return _error(400, 21211, "The 'To' number is not a valid phone number.")
    return None


def _callback(address: str, sms: Sms, account: str, token: str) -> Callback:
    form = {"MessageSid": sms.sid, "MessageStatus": sms.final_status, "To": sms.to, "From": sms.sender,
            "AccountSid": account}  # fmt: skip
    if sms.error_code is not None:
        form["ErrorCode"] = str(sms.error_code)
    return Callback(address, form, {"X-Twilio-Signature": _signature(address, form, token)})


def _signature(address: str, form: dict[str, str], token: str) -> str:
    """As Twilio signs what it posts: the address, each field's name and value by name, under the account's token."""
    signed = address + "".join(name + form[name] for name in sorted(form))
    return base64.b64encode(hmac.digest(token.encode(), signed.encode(), "sha1")).decode()


def _error(status: int, code: int, message: str) -> Response:
    return _json({"code": code, "message": message, "more_info": "", "status": status}, status)


def _json(content: dict[str, Any], status: int) -> Response:
    return Response(orjson.dumps(content), status, media_type="application/json")


def main(
    account_sid: Annotated[str, typer.Option(envvar="ARREARS_SMS_ACCOUNT_SID")],
    auth_token: Annotated[str, typer.Option(envvar="ARREARS_SMS_AUTH_TOKEN")],
    port: Annotated[int, typer.Option()] = 8080,
    undelivered: Annotated[str, typer.Option(help="numbers that end so never arrive")] = DEFAULT_UNDELIVERED,
) -> None:
    """Run the gateway."""
    gateway = SmsGateway(account_sid, auth_token, undelivered)
    uvloop.run(serve_until_stopped({port: gateway.app()}))


if __name__ == "__main__":
    typer.run(main)
