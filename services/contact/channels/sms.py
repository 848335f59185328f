"""SMS through an HTTP API of Twilio's shape, with an idempotency token; and its delivery receipts.

Reference: Twilio's Messages resource, StatusCallback, X-Twilio-Signature (HMAC-SHA1 over the URL and the sorted form).
"""

import base64
import hashlib
import hmac
from collections.abc import Iterable, Mapping
from typing import Any, Final
from urllib.parse import quote

import httpx
import orjson

from services.contact.channels.port import Handed, Message, Went

TOKEN_HEADER: Final = "I-Twilio-Idempotency-Token"  # noqa: S105  a header's name
# Answers that are about us or the moment, not about the message: it was not taken, and may be tried again later.
_NOT_ABOUT_THE_MESSAGE: Final = frozenset({401, 403, 404, 429})
_NEVER_LEFT: Final = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol)
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
        self._client = httpx.AsyncClient(
            auth=(account_sid, auth_token),
            timeout=timeout_s,
            limits=httpx.Limits(max_connections=connections_max, max_keepalive_connections=connections_max),
            trust_env=False,
        )

    async def send(self, message: Message) -> Handed:
        """Post one message with its token."""
        form = {
            "To": message.to, "From": self._sender, "Body": message.body,
            "StatusCallback": f"{self._callback_url}?attempt={quote(message.token)}",
        }  # fmt: skip
        try:
            answer = await self._client.post(self._path, data=form, headers={TOKEN_HEADER: message.token})
        except _NEVER_LEFT as error:
            return Handed(Went.NOT_SENT, reason=f"gateway_unreachable_{type(error).__name__}")
        except httpx.HTTPError as error:
            return Handed(Went.UNKNOWN, reason=f"gateway_answer_lost_{type(error).__name__}")
        return _answered(answer)

    async def find(self, token: str) -> Handed:
        """Ask for the message that was sent with this token."""
        try:
            answer = await self._client.get(self._path, params={"IdempotencyToken": token})
            found = orjson.loads(answer.content)["messages"] if answer.status_code == httpx.codes.OK else None
        except (httpx.HTTPError, orjson.JSONDecodeError, KeyError, TypeError):
            found = None
        if found is None:
            return Handed(Went.UNKNOWN, reason="gateway_cannot_say")
        if not found:
            return Handed(Went.NOT_SENT, reason="gateway_never_got_it")
        return status_of(str(found[0].get("status")), found[0].get("sid"), found[0].get("error_code"))

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()


def _answered(answer: httpx.Response) -> Handed:
    code = answer.status_code
    if code in _NOT_ABOUT_THE_MESSAGE:
        return Handed(Went.NOT_SENT, reason=f"gateway_answered_{code}")
    if httpx.codes.is_client_error(code) and code != httpx.codes.REQUEST_TIMEOUT:
        return Handed(Went.REFUSED, reason=f"provider_{_body(answer).get('code', code)}")
    sid = _body(answer).get("sid")
    if httpx.codes.is_success(code) and isinstance(sid, str):
        return Handed(Went.ACCEPTED, provider_id=sid)
    return Handed(Went.UNKNOWN, reason=f"gateway_answered_{code}")


def _body(answer: httpx.Response) -> dict[str, Any]:
    try:
        body = orjson.loads(answer.content)
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
    return base64.b64encode(hmac.new(auth_token.encode(), signed.encode(), hashlib.sha1).digest()).decode()
