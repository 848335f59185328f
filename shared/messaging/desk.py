"""The operators' desk: dead letters shown, redriven, discarded; stopped shards resumed. Each call is one transaction.

The HTTP routes and the command line are two doors to it. It needs the database alone, so a service that is down can
be helped too; what it asks for is done by the shard's owner.
"""

import base64
import hashlib
from datetime import datetime
from typing import Any, Final, NamedTuple

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from shared.contracts.envelope import decode
from shared.contracts.masking import masked, masked_header, masked_text
from shared.contracts.topics import BY_NAME
from shared.messaging import dead_letters, halts, store
from shared.messaging.dead_letters import Wanted
from shared.messaging.stream import ShardId
from shared.runtime.clock import Clock
from shared.vocabulary.errors import Rejected

SAYING_CHARACTERS_MAX: Final = 500
_RAW: Final = ("key", "value", "headers", "header_pairs")


class Act(NamedTuple):
    """Who does something, and why: both are kept as long as the letter."""

    actor: str
    because: str


class Desk:
    """What operators can do in one service."""

    def __init__(self, engine: AsyncEngine, clock: Clock) -> None:
        self._engine = engine
        self._clock = clock

    async def letters(self, wanted: Wanted, *, after: int, rows_max: int) -> list[dict[str, Any]]:
        """Dead letters in order of their ids, without payloads."""
        async with self._engine.connect() as connection:
            return await dead_letters.listed(connection, wanted, after=after, rows_max=rows_max)

    async def letter(self, letter_id: int) -> dict[str, Any]:
        """One dead letter, its payload masked, and all that was done about it."""
        async with self._engine.connect() as connection:
            letter = await _known(connection, letter_id)
            return {**_head(letter), **_masked(letter), "history": await dead_letters.history(connection, letter_id)}

    async def reveal(self, letter_id: int, act: Act) -> dict[str, Any]:
        """The record as it came, to the byte; that somebody looked, and why, stays in the history."""
        async with self._engine.begin() as connection:
            letter = await _known(connection, letter_id, lock=True)
            await self._note(connection, letter_id, act, "reveal")
        return {**_head(letter), **_whole(letter)}

    async def redrive(self, letter_id: int, act: Act, corrected: bytes | None = None) -> dict[str, Any]:
        """Have the letter's shard apply it, or a corrected event in its place, once. Asking twice is asking once."""
        async with self._engine.begin() as connection:
            letter = await _known(connection, letter_id, lock=True)
            if corrected is not None:
                decode(letter["topic"], corrected)
            if letter["state"] == "waiting":
                topic = BY_NAME[letter["topic"]]
                await dead_letters.ask(connection, letter_id, act.actor, corrected, broadcast=topic.broadcast)
                await self._note(connection, letter_id, act, "redrive", corrected)
            else:
                asked = await dead_letters.asked_value(connection, letter_id)
                if letter["state"] == "discarded" or asked != corrected:
                    raise _conflict(letter, "redriven")
            return _head(await _known(connection, letter_id))

    async def discard(self, letter_id: int, act: Act) -> dict[str, Any]:
        """Settle a letter by leaving it unapplied for good. Saying so twice is saying it once."""
        async with self._engine.begin() as connection:
            letter = await _known(connection, letter_id, lock=True)
            if letter["state"] == "redriven":
                raise _conflict(letter, "discarded")
            if letter["state"] != "discarded":
                await self._note(connection, letter_id, act, "discard")
                await dead_letters.discard(connection, letter_id)
            return _head(await _known(connection, letter_id))

    async def stopped(self) -> list[dict[str, Any]]:
        """The shards that stand still, why and since when."""
        async with self._engine.connect() as connection:
            return await halts.stopped(connection)

    async def resume(self, shard: ShardId, act: Act) -> dict[str, Any]:
        """Let a stopped shard go on from where it stopped."""
        async with self._engine.begin() as connection:
            if await halts.resume(connection, shard, act.actor, act.because, self._clock.now()):
                return {**shard._asdict(), "stopped": False}
            if await halts.is_known(connection, shard):
                raise Rejected("shard_runs_conflict", f"{shard} does not stand still: there is nothing to resume")
        raise Rejected("shard_not_found", f"this service has no shard {shard}; GET /shards lists them")

    async def restored(self) -> None:
        """A backup was restored: have every shard pass over the sequences it may have given out since."""
        async with self._engine.begin() as connection:
            await store.skip_all(connection)

    async def _note(
        self, connection: AsyncConnection, letter_id: int, act: Act, action: str, value: bytes | None = None
    ) -> None:
        now: datetime = self._clock.now()
        await dead_letters.note(connection, letter_id, act.actor, action, act.because, now, value)


async def _known(connection: AsyncConnection, letter_id: int, *, lock: bool = False) -> dict[str, Any]:
    letter = await dead_letters.one(connection, letter_id, lock=lock)
    if letter is None:
        raise Rejected("dead_letter_not_found", f"there is no dead letter {letter_id} in this service")
    return letter


def _conflict(letter: dict[str, Any], wanted: str) -> Rejected:
    state = letter["state"]
    said = {
        "queued": "it is queued with another payload: wait until it is tried, or discard it",
        "redriven": "it was applied already",
        "discarded": "it was discarded, which is final; publish the event anew",
    }[state]
    return Rejected("dead_letter_conflict", f"dead letter {letter['id']} cannot be {wanted}: {said}")


def _head(letter: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in letter.items() if name not in _RAW}


def _masked(letter: dict[str, Any]) -> dict[str, Any]:
    value = letter["value"]
    return {
        "key": masked_text(letter["key"]),
        "headers": [masked_header(name, raw) for name, raw in letter["headers"]],
        "payload": masked(value),
        "sha256": None if value is None else hashlib.sha256(value).hexdigest(),
    }


def _whole(letter: dict[str, Any]) -> dict[str, Any]:
    return {
        "key": _exactly(letter["key"]),
        "value": _exactly(letter["value"]),
        "headers": [
            {"name": bytes.fromhex(name).decode("utf-8", "replace"), "name_hex": name, "value": _exactly(raw)}
            for (name, _), (_, raw) in zip(letter["header_pairs"], letter["headers"], strict=True)
        ],
    }


def _exactly(raw: bytes | None) -> dict[str, str] | None:
    """Base64, exact; and as text where it is text."""
    if raw is None:
        return None
    exact = {"base64": base64.b64encode(raw).decode()}
    try:
        return {**exact, "text": raw.decode()}
    except UnicodeDecodeError:
        return exact
