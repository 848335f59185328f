"""One shard's way from the outbox to Kafka, in order, at least once: consumers drop repeats by their watermark."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Final

import structlog

from shared.messaging import metrics, retry, store
from shared.messaging.ports import Engine, Rows
from shared.messaging.publisher import Publisher
from shared.messaging.stream import OutboxRow, ShardId

ROWS_PER_ROUND_MAX: Final = 4_000
ROWS_IN_MEMORY_MAX: Final = 20_000
"""Committed rows handed over without re-reading them; beyond it the relay reads the table, so memory is bounded."""
NOTE_INTERVAL_S: Final = 0.25
"""How long the relayed sequence may lag in the table; a crash repeats at most that much."""
LOOK_AGAIN_S: Final = 1.0
OWNED_LOOK_S: Final = 5.0
"""How long an idle owner may not know that another took its shard: what that one emits waits for whoever owns it."""

log = structlog.get_logger()


class Relay:
    """Sends one shard's outbox under the epoch it was acquired with."""

    def __init__(self, engine: Engine, publisher: Publisher, service: str, shard: ShardId, rows: Rows = store) -> None:
        self.shard = shard
        self._engine = engine
        self._rows = rows
        self._publisher = publisher
        self._service = service
        self._epoch = 0
        self._relayed = self._noted = self._emitted = self._taken = 0
        self._noted_at = 0.0
        self._offered: deque[OutboxRow] = deque()
        self._wake = asyncio.Event()
        self.lost: Callable[[int], None] = lambda _: None
        """Told the epoch under which the shard is ours no more, as a note of it showed."""
        self._waiting = metrics.OUTBOX_WAITING.labels(str(shard))

    @property
    def relayed_seq(self) -> int:
        """The last sequence that Kafka acknowledged."""
        return self._relayed

    @property
    def emitted_seq(self) -> int:
        """The last sequence known to be committed."""
        return self._emitted

    def own(self, epoch: int, relayed_seq: int, emitted_seq: int) -> None:
        """Start from what the shard's row says under a new epoch."""
        self._epoch, self._emitted = epoch, emitted_seq
        self._relayed = self._noted = self._taken = relayed_seq
        self._noted_at = asyncio.get_running_loop().time()
        self._offered.clear()
        self._wake.set()

    def offer(self, rows: Sequence[OutboxRow]) -> None:
        """Committed rows, so that they need not be read again."""
        if not rows:
            return
        last = self._offered[-1].seq if self._offered else self._taken
        if rows[0].seq == last + 1 and len(self._offered) + len(rows) <= ROWS_IN_MEMORY_MAX:
            self._offered.extend(rows)
        self.look(rows[-1].seq)

    def look(self, emitted_seq: int) -> None:
        """Rows up to this sequence are committed, whoever wrote them."""
        if emitted_seq > self._emitted:
            self._emitted = emitted_seq
            self._wake.set()

    def wake(self) -> None:
        """Have `run` look around: it was asked to stop."""
        self._wake.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Relay until stopped and everything offered is out; passing failures are waited out."""
        waits = retry.backoff_s()
        while True:
            try:
                sent = await self._send_next()
                await self._note(at_once=not sent and stop.is_set())
                waits = retry.backoff_s()
                if not sent:
                    if stop.is_set():
                        return
                    await self._idle()
            except Exception as error:
                if not retry.is_passing(error):
                    raise
                log.warning("relay_waits", shard=str(self.shard), error=type(error).__name__)
                if stop.is_set():
                    return
                await retry.sleep_unless(stop, next(waits))

    async def note(self) -> None:
        """Write down at once what Kafka has acknowledged: after this, no restart sends it again."""
        await self._note(at_once=True)

    async def _send_next(self) -> bool:
        """Send one round of rows; False when there is none."""
        self._wake.clear()
        rows = await self._next_rows()
        epoch = self._epoch
        if rows:
            self._taken = rows[-1].seq
            await self._publisher.publish(self._service, self.shard, rows)
            if epoch == self._epoch:
                self._relayed = rows[-1].seq
                self._emitted = max(self._emitted, self._relayed)
        self._waiting.set(self._emitted - self._relayed)
        return bool(rows)

    async def _next_rows(self) -> list[OutboxRow]:
        while self._offered and self._offered[0].seq <= self._relayed:
            self._offered.popleft()
        if self._offered and self._offered[0].seq == self._relayed + 1:
            return [self._offered.popleft() for _ in range(min(len(self._offered), ROWS_PER_ROUND_MAX))]
        self._offered.clear()
        self._taken = self._relayed
        if self._relayed >= self._emitted:
            return []
        epoch, emitted = self._epoch, self._emitted
        async with self._engine.connect() as connection:
            rows = await self._rows.read_outbox(connection, self.shard, self._relayed, ROWS_PER_ROUND_MAX)
        if not rows and epoch == self._epoch:
            # Committed and not there: sequences that were passed over.
            self._relayed = self._taken = max(self._relayed, emitted)
        return rows

    async def _idle(self) -> None:
        """Wait for rows; meanwhile what was relayed is noted, and whether the shard is ours is looked at."""
        pause_s = NOTE_INTERVAL_S if self._relayed > self._noted else OWNED_LOOK_S
        if self._relayed < self._emitted:
            pause_s = LOOK_AGAIN_S
        with suppress(TimeoutError):
            async with asyncio.timeout(pause_s):
                await self._wake.wait()

    async def _note(self, *, at_once: bool) -> None:
        """Write down what Kafka acknowledged, now or when the last note is old enough; and see whose the shard is."""
        age_s = asyncio.get_running_loop().time() - self._noted_at
        new = self._relayed > self._noted and (at_once or age_s > NOTE_INTERVAL_S)
        if not new and age_s < OWNED_LOOK_S:
            return
        epoch, relayed = self._epoch, self._relayed
        own = await self._rows.advance_relay(self._engine, self.shard, epoch, relayed)
        if epoch == self._epoch:
            self._noted, self._noted_at = relayed, asyncio.get_running_loop().time()
        if not own:
            self.lost(epoch)
