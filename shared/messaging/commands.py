"""Transactions that do not come from a partition: HTTP commands and background jobs, on a shard of their own.

Any process may write to the command shard (its row is locked for the moment of the transaction); one process at a
time relays it, whoever holds the advisory lock.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import sqlalchemy as sa
import structlog
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from shared.messaging import retry, store
from shared.messaging.autocommit import autocommit
from shared.messaging.relay import Relay
from shared.messaging.stream import OutboxRow, ShardId
from shared.messaging.transaction import PartitionCounts, Transaction
from shared.runtime.clock import Clock
from shared.vocabulary.errors import Unavailable

COMMANDS: Final = ShardId("commands", 0)
POLL_S: Final = 0.25
"""How soon the relaying process sees what another process appended."""
LOOK_S: Final = 0.01
"""How often the relaying process looks whether its own records are through."""
STAND_BY_S: Final = 1.0
DRAIN_S: Final = 5.0

# The lock is per database, so the schema takes part in it.
_TRY_LEAD: Final = sa.text("SELECT pg_try_advisory_lock(hashtext('arrears.relay.' || current_schema()))")

log = structlog.get_logger()


class Commands:
    """Opens transactions on the command shard, and relays what they emit."""

    def __init__(self, engine: AsyncEngine, relay: Relay, service: str, counts: PartitionCounts, clock: Clock) -> None:
        self._engine = engine
        self._relay = relay
        self._service = service
        self._counts = counts
        self._clock = clock
        self._leads = False

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        """A transaction that commits at the end of the block; an exception in it rolls everything back.

        Emitting transactions of a service run one after another: the shard's row is locked from the start.
        """
        rows: list[OutboxRow] = []
        async with self._engine.begin() as connection:
            state, shards = await store.lock_among(connection, COMMANDS)
            self._confirm(shards)
            tx = Transaction(connection, self._service, COMMANDS, state, self._counts, self._clock.now())
            yield tx
            if not tx.is_empty:
                rows = await tx.finish()
        if self._leads:
            self._relay.offer(rows)

    def _confirm(self, shards: int) -> None:
        """Unavailable when partitions were added since this process started: it would send to the old ones."""
        of_streams = [count for name, count in self._counts.items() if name.startswith("stream:")]
        if of_streams and shards > sum(of_streams) + 1:
            raise Unavailable("the service has got more shards: this process has to be started anew")

    async def is_behind(self, rows_max: int) -> bool:
        """Whether more than that many records of the command shard wait for Kafka."""
        after = self._relay.relayed_seq
        async with self._engine.connect() as connection:
            if not self._leads:
                after = await store.relayed(connection, COMMANDS)
            return await store.has_more(connection, COMMANDS, after, rows_max)

    async def progress(self, connection: AsyncConnection) -> dict[str, int]:
        """The last sequences committed, by whichever process, and acknowledged by Kafka.

        Who does not relay knows these from the rows: so what a killed process left unsent is seen from the moment its
        successor answers.
        """
        emitted = await store.emitted(connection, COMMANDS)
        relayed = self._relay.relayed_seq if self._leads else await store.relayed(connection, COMMANDS)
        return {"emitted": emitted, "relayed": relayed}

    async def published(self, seq: int, within_s: float) -> bool:
        """Whether Kafka has acknowledged the command shard's records up to a sequence; waits that long for it.

        When it has, that is noted: these records are never sent again.
        """
        deadline = time.monotonic() + within_s
        while not await self._is_relayed(seq):
            if time.monotonic() > deadline:
                return False
            await asyncio.sleep(LOOK_S if self._leads else POLL_S)
        return True

    async def _is_relayed(self, seq: int) -> bool:
        if self._leads:
            if self._relay.relayed_seq < seq:
                return False
            await self._relay.note()
            return True
        async with self._engine.connect() as connection:
            return await store.relayed(connection, COMMANDS) >= seq

    async def prepare(self) -> None:
        """Make sure that the shard's row exists."""
        async with self._engine.begin() as connection:
            await store.ensure(connection, COMMANDS)

    async def run(self, stop: asyncio.Event) -> None:
        """Relay the command shard while this process holds the lock; otherwise stand by."""
        waits = retry.backoff_s()
        while not stop.is_set():
            try:
                async with autocommit(self._engine) as connection:
                    if (await connection.execute(_TRY_LEAD)).scalar_one():
                        waits = retry.backoff_s()
                        await self._lead(connection, stop)
                await retry.sleep_unless(stop, STAND_BY_S)
            except Exception as error:
                if not retry.is_passing(error):
                    raise
                log.warning("command_relay_waits", error=type(error).__name__)
                await retry.sleep_unless(stop, next(waits))

    async def _lead(self, connection: AsyncConnection, stop: asyncio.Event) -> None:
        """Relay until stopped or the lock's connection is lost; the lock ends with the connection."""
        async with self._engine.begin() as own:
            state, relayed = await store.acquire(own, COMMANDS)
        self._relay.own(state.epoch, relayed, state.next_seq - 1)
        self._leads = True
        log.info("commands_acquired", epoch=state.epoch)
        try:
            async with asyncio.TaskGroup() as tasks:
                relaying = tasks.create_task(self._relay.run(stop))
                while not stop.is_set():
                    # Also proves that the lock's connection is alive.
                    self._relay.look(await store.emitted(connection, COMMANDS))
                    await retry.sleep_unless(stop, POLL_S)
                self._relay.wake()
                await asyncio.wait({relaying}, timeout=DRAIN_S)
                relaying.cancel()
        finally:
            self._leads = False
            await connection.invalidate()
