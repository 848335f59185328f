"""Dead letters tried again, each exactly once: in its own shard, by the shard's owner, in one transaction with its row.

Nobody else may fold the shard's accounts meanwhile, so operators only queue a letter; whoever owns the shard takes it.
A redriven record comes after everything applied so far, whatever its place was. Watermarks are passed by: the letter's
own state says whether it has been applied. What is refused again goes back to the list.
"""

import asyncio
from collections.abc import Callable, Set
from typing import Any, Final

import structlog
from sqlalchemy.ext.asyncio import AsyncEngine

from shared.contracts.envelope import Event, decode
from shared.contracts.topics import BY_NAME, key_of
from shared.messaging import dead_letters, retry
from shared.messaging.dead_letters import Queued, Tried
from shared.messaging.isolating import bad_data, isolate
from shared.messaging.stream import Handler, Received, ShardId, source_of
from shared.messaging.transaction import Fenced, Transaction, partition_of
from shared.vocabulary.errors import Rejected

LETTERS_MAX: Final = 500
"""Tried in one transaction: operators' work, which must not hold up what comes from Kafka."""
LOOK_S: Final = 1.0

log = structlog.get_logger()


async def try_queued(handle: Handler, tx: Transaction) -> bool:
    """Try what is queued for the transaction's shard; True when more may be left."""
    queued = await dead_letters.take_queued(tx.connection, tx.shard, LETTERS_MAX)
    tried: list[Tried] = []
    received: dict[int, Received] = {}
    for letter in queued:
        try:
            event = decode(letter.record.topic, letter.record.value, letter.record.headers)
        except Rejected as refusal:
            tried.append(Tried(letter.id, False, refusal.reason, refusal.detail))
            continue
        if (home := _home(letter, event, tx)) != tx.shard.partition:
            await dead_letters.readdress(tx.connection, letter, tx.shard, home)
        else:
            received[letter.id] = Received(event, letter.record, *source_of(letter.record.headers))
    tried += await _applied(handle, received, tx)
    if tried:
        tx.count("redriven", sum(one.accepted for one in tried))
        await dead_letters.conclude(tx.connection, tx.shard, tried, tx.now)
    return len(queued) == LETTERS_MAX


async def _applied(handle: Handler, received: dict[int, Received], tx: Transaction) -> list[Tried]:
    if not received:
        return []
    await isolate(handle, list(received.values()), tx, _blame)
    refused = {id(letter.record): letter for letter in tx.take_letters()}
    ended = [(number, refused.get(id(one.record))) for number, one in received.items()]
    return [Tried(n, False, no.reason, no.detail) if no else Tried(n, True) for n, no in ended]


def _home(letter: Queued, event: Event[Any], tx: Transaction) -> int:
    """The shard a letter belongs to: where its account or customer lives now; without such a key, where it lay.

    That need not be one place: the event may be corrected, and partitions may have been added since.
    """
    key = key_of(event.data, BY_NAME[letter.record.topic])
    return tx.shard.partition if key is None else partition_of(key.encode(), tx.shards)


def _blame(error: Exception) -> Rejected | None:
    """A fault of ours is blamed on the letter too: what an operator tries must not end the process again and again."""
    if isinstance(error, Fenced) or retry.is_passing(error):
        return None
    if refusal := bad_data(error):
        return refusal
    log.error("redrive_failed", error=type(error).__name__)
    return Rejected("handler_failed", f"the service failed on this event ({type(error).__name__})")


async def watch(engine: AsyncEngine, wake: Callable[[Set[ShardId]], None], stop: asyncio.Event) -> None:
    """Tell which shards have letters to try, until stopped: operators ask through any process, or through none."""
    waits = retry.backoff_s()
    while not stop.is_set():
        try:
            async with engine.connect() as connection:
                asked = await dead_letters.shards_asked(connection)
            wake(asked)
            waits = retry.backoff_s()
            await retry.sleep_unless(stop, LOOK_S)
        except Exception as error:
            if not retry.is_passing(error):
                raise
            log.warning("redrive_waits", error=type(error).__name__)
            await retry.sleep_unless(stop, next(waits))
