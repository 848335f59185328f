"""Events taken in over HTTP: judged as a consumer would, published through the outbox, answered once Kafka has them.

The key of a request and its outgoing records commit together. So a request that is sent again, after a lost answer or
a crash of ours, finds its records under way or published, and is taken in once. What was answered as published is
never sent to Kafka again; a crash before the answer may repeat a record there, which its consumers count and skip.
"""

import asyncio
import hashlib
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Final

import orjson

from services.ingest import events_store
from services.ingest.tables import Submission
from shared.contracts.banking import ClockAdvanced
from shared.contracts.envelope import decode
from shared.contracts.http_binding import events_in
from shared.contracts.topics import BY_NAME, Topic, key_of
from shared.messaging import Commands, Transaction, retry
from shared.runtime.service import Context
from shared.vocabulary.errors import Rejected, Unavailable

OPEN_TOPICS: Final = (
    "banking.accounts", "banking.customers", "banking.billing", "banking.repayments", "banking.calendar",
)  # fmt: skip
"""What core banking may publish; the topics of our own services are not open to anybody."""
TYPES: Final[Mapping[str, Topic]] = {
    event_type: BY_NAME[name]
    for name in OPEN_TOPICS
    for event_type, contract in BY_NAME[name].types.items()
    if contract is not ClockAdvanced
}
KEY_HEADER: Final = "idempotency-key"
KEY_CHARACTERS_MAX: Final = 200
FORGET_EVERY_S: Final = 3_600.0


class Intake:
    """The door's rules and bounds."""

    def __init__(self, commands: Commands, *, events_max: int, waiting_max: int, patience_s: float) -> None:
        self._commands = commands
        self._events_max = events_max
        self._waiting_max = waiting_max
        self._patience_s = patience_s

    async def take(self, headers: Mapping[str, str], body: bytes) -> list[dict[str, Any]]:
        """A result for each event of the request, in order, once Kafka has acknowledged what is published of it.

        Rejected when the request cannot be read or its key was used for another; Unavailable while Kafka has not
        acknowledged: the same request again then finds out.
        """
        fingerprint = _fingerprint(headers, body)
        key = _key(headers, fingerprint)
        judged = self._judged(headers, body)
        if await self._commands.is_behind(self._waiting_max):
            raise Unavailable("Kafka does not take what waits for it")
        async with self._commands.transaction() as tx:
            known = await events_store.find(tx.connection, key)
            if known is None:
                known = _published(tx, key, fingerprint, judged)
                await events_store.keep(tx.connection, known, tx.now)
        if known.fingerprint != fingerprint:
            raise Rejected("idempotency_key_conflict", f"this {KEY_HEADER} was used for another request")
        if not await self._commands.published(known.last_seq, self._patience_s):
            raise Unavailable("Kafka has not acknowledged the events yet")
        return known.results

    def _judged(self, headers: Mapping[str, str], body: bytes) -> list["_Judged"]:
        values = events_in(headers, body)
        if len(values) > self._events_max:
            raise Rejected("request_too_large", f"a request has at most {self._events_max} events")
        return [_Judged(place, value) for place, value in enumerate(values)]


class _Judged:
    """One event of a request: where it goes, or why nowhere."""

    def __init__(self, place: int, value: bytes | Rejected) -> None:
        self.value = b"" if isinstance(value, Rejected) else value
        self.topic = ""
        self.key: str | None = None
        self.result: dict[str, Any] = {"index": place, "id": None}
        try:
            if isinstance(value, Rejected):
                raise value
            topic = _topic(value)
            event = decode(topic.name, value)
        except Rejected as refusal:
            self.result |= {"status": "refused", "reason": refusal.reason, "detail": refusal.detail}
        else:
            self.topic, self.key = topic.name, key_of(event.data, topic)
            self.result |= {"id": event.id, "status": "published", "topic": topic.name}


def _published(tx: Transaction, key: str, fingerprint: bytes, judged: Sequence[_Judged]) -> Submission:
    last_seq = 0
    for one in judged:
        if one.topic:
            last_seq = tx.forward(one.value, topic=one.topic, key=one.key)
    return Submission(key, fingerprint, last_seq, [one.result for one in judged])


def _topic(value: bytes) -> Topic:
    """The open topic that an event's type belongs to."""
    try:
        event = orjson.loads(value)
    except orjson.JSONDecodeError as error:
        raise Rejected("not_json", f"the event: {error.msg} at character {error.pos}") from None
    event_type = event.get("type") if isinstance(event, dict) else None
    if not isinstance(event_type, str):
        raise Rejected("not_cloudevents", "expected a CloudEvents 1.0 object with specversion, id, source, type, time")
    topic = TYPES.get(event_type)
    if topic is None:
        raise Rejected("unknown_type", f"this door takes the types of {', '.join(OPEN_TOPICS)}")
    return topic


def _fingerprint(headers: Mapping[str, str], body: bytes) -> bytes:
    """What makes a request the same request: its body, and of the headers those that say what it is."""
    told = sorted((n, v) for n, v in headers.items() if n == "content-type" or n.startswith("ce-"))
    return hashlib.sha256(orjson.dumps(told) + b"\n" + body).digest()


def _key(headers: Mapping[str, str], fingerprint: bytes) -> str:
    """The caller's key; without one, a request is known by its content."""
    given = headers.get(KEY_HEADER)
    if given is None:
        return f"sha256:{fingerprint.hex()}"
    if not (0 < len(given) <= KEY_CHARACTERS_MAX and given.isascii() and given.isprintable()):
        raise Rejected("malformed_key", f"{KEY_HEADER}: 1 to {KEY_CHARACTERS_MAX} printable ASCII characters")
    return f"key:{given}"


def forgetting(kept: timedelta) -> Any:
    """The background job that drops keys once nobody asks again."""

    async def forget(context: Context, stop: asyncio.Event) -> None:
        while not stop.is_set():
            async with context.engine.begin() as connection:
                await events_store.forget(connection, context.clock.now() - kept)
            await retry.sleep_unless(stop, FORGET_EVERY_S)

    return forget
