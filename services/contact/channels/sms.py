"""SMS through an HTTP API of Twilio's shape, with an idempotency token; and its delivery receipts.

The client is aiohttp: httpx takes 3.4 ms of a core for a message, aiohttp 0.4, and the gate decides in 0.1.

Reference: Twilio's Messages resource, StatusCallback, X-Twilio-Signature (HMAC-SHA1 over the URL and the sorted form).
"""

import base64
import hmac
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import quote

import aiohttp
import orjson

from services.contact.channels.port import Handed, Message, Went

TOKEN_HEADER: Final = "I-Twilio-Idempotency-Token"  # noqa: S105  a header's name
# Answers that are about us or the moment, not about the message: it was not taken, and may be tried again later.
_NOT_ABOUT_THE_MESSAGE: Final = frozenset({401, 403, 404, 429})
# A connection that could not be had in time, from the gateway or from the pool, or at all: nothing was written.
_NEVER_LEFT: Final = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, aiohttp.InvalidURL)
_LOST: Final = (aiohttp.ClientError, TimeoutError)
_WENT: Final[Mapping[str, Went]] = {
    **dict.fromkeys(("accepted", "scheduled", "queued", "sending", "sent"), Went.ACCEPTED),
    **dict.fromkeys(("delivered", "read"), Went.DELIVERED),
    **dict.fromkeys(("undelivered", "failed", "canceled"), Went.REFUSED),
}


class TwilioSms:
    """Sends through one account, over connections kept alive."""

    keeps_record = True

    def __init__(
        self, *, url: str, account_sid: str, auth_token: str, sender: str, callback_url: str,
        timeout_s: float, connections_max: int,
    ) -> None:  # fmt: skip
        self._path = f"{url.rstrip('/')}/2010-04-01/Accounts/{account_sid}/Messages.json"
        self._sender = sender
        self._callback_url = callback_url
        self._headers = {"Authorization": aiohttp.encode_basic_auth(account_sid, auth_token)}
        self._timeout = aiohttp.ClientTimeout(total=None, connect=timeout_s, sock_read=timeout_s)
        self._connections_max = connections_max
        self._opened: aiohttp.ClientSession | None = None

    async def send(self, message: Message) -> Handed:
        """Post one message with its token."""
        form = {
            "To": message.to, "From": self._sender, "Body": message.body,
            "StatusCallback": f"{self._callback_url}?attempt={quote(message.token)}",
        }  # fmt: skip
        try:
            async with self._session.post(
                self._path, data=form, headers={TOKEN_HEADER: message.token}, allow_redirects=False
            ) as answer:
                return _answered(answer.status, await answer.read())
        except _NEVER_LEFT as error:
            return Handed(Went.NOT_SENT, reason=f"gateway_unreachable_{type(error).__name__}")
        except _LOST as error:
            return Handed(Went.UNKNOWN, reason=f"gateway_answer_lost_{type(error).__name__}")

    async def find(self, token: str) -> Handed:
        """Ask for the message that was sent with this token."""
        try:
            async with self._session.get(self._path, params={"IdempotencyToken": token}) as answer:
                found = orjson.loads(await answer.read())["messages"] if answer.status == HTTPStatus.OK else None
        except (*_LOST, orjson.JSONDecodeError, KeyError, TypeError):
            found = None
        if found is None:
            return Handed(Went.UNKNOWN, reason="gateway_cannot_say")
        if not found:
            return Handed(Went.NOT_SENT, reason="gateway_never_got_it")
        return status_of(str(found[0].get("status")), found[0].get("sid"), found[0].get("error_code"))

    @property
    def _session(self) -> aiohttp.ClientSession:
        """The connections; opened by the first message, since a session belongs to a running event loop."""
        if self._opened is None:
            self._opened = aiohttp.ClientSession(
                headers=self._headers,
                timeout=self._timeout,
                connector=aiohttp.TCPConnector(limit=self._connections_max),
                cookie_jar=aiohttp.DummyCookieJar(),
            )
        return self._opened

    async def close(self) -> None:
        """Close the connections."""
        if self._opened is not None:
            await self._opened.close()


def _answered(code: int, content: bytes) -> Handed:
    if code in _NOT_ABOUT_THE_MESSAGE:
        return Handed(Went.NOT_SENT, reason=f"gateway_answered_{code}")
    if HTTPStatus.BAD_REQUEST <= code < HTTPStatus.INTERNAL_SERVER_ERROR and code != HTTPStatus.REQUEST_TIMEOUT:
        return Handed(Went.REFUSED, reason=f"provider_{_body(content).get('code', code)}")
    sid = _body(content).get("sid")
    if HTTPStatus.OK <= code < HTTPStatus.MULTIPLE_CHOICES and isinstance(sid, str):
        return Handed(Went.ACCEPTED, provider_id=sid)
    return Handed(Went.UNKNOWN, reason=f"gateway_answered_{code}")


def _body(content: bytes) -> dict[str, Any]:
    try:
        body = orjson.loads(content)
    except orjson.JSONDecodeError:
        return {}
    return body if isinstance(body, dict) else {}


def status_of(status: str, provider_id: str | None, error_code: object) -> Handed:
    """A message status in the provider's words; UNKNOWN for a word we do not know."""
    went = _WENT.get(status, Went.UNKNOWN)
    reason = f"provider_{error_code or status}" if went in (Went.REFUSED, Went.UNKNOWN) else None
    return Handed(went, provider_id, reason)


def signature(url: str, form: Iterable[tuple[str, str]], auth_token: str) -> str:
    """What a receipt to that URL with that form must be signed with."""
    signed = url + "".join(name + value for name, value in sorted(form))
    return base64.b64encode(hmac.digest(auth_token.encode(), signed.encode(), "sha1")).decode()
