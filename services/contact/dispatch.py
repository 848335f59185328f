"""Sends what is due. Never twice: decide and commit `pending`, then hand over, then write down how it went.

A crash between these steps leaves `pending` attempts of a dead worker; resolve.py finds out what became of them.
"""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

import structlog
from sqlalchemy.ext.asyncio import AsyncEngine

from services.contact import reports
from services.contact.channels.port import Channel, Handed, Message, Went
from services.contact.claim import Claims
from services.contact.health import Health
from services.contact.store import contacts
from services.contact.store.attempts import Attempt
from services.contact.worker import Worker
from shared.messaging import Commands, retry
from shared.messaging.autocommit import autocommit
from shared.runtime.clock import Clock

RECORD_TRIES_MAX: Final = 6
"""After that the results are given up and the attempts are resolved like those of a crash."""

log = structlog.get_logger()


class Dispatcher:
    """One process's dispatcher."""

    def __init__(
        self, *, engine: AsyncEngine, commands: Commands, clock: Clock, claims: Claims,
        channels: Mapping[str, Channel], batch_max: int, concurrent_max: int, poll_s: float,
    ) -> None:  # fmt: skip
        self._engine = engine
        self._commands = commands
        self._clock = clock
        self._claims = claims
        self._channels = channels
        self._batch_max = batch_max
        self._poll_s = poll_s
        self._bounds = {name: asyncio.Semaphore(concurrent_max) for name in channels}
        self._health = Health(channels)
        self._woken = asyncio.Event()

    def wake(self) -> None:
        """New work may have been committed."""
        self._woken.set()

    async def run(self, worker: Worker, stop: asyncio.Event) -> None:
        """Send until stopped; a batch on its way is finished and written down first."""
        while not stop.is_set():
            self._woken.clear()
            looked_at = self._clock.now()
            if not await self.round(worker):
                await self._idle(stop, looked_at)

    async def round(self, worker: Worker) -> bool:
        """Claim, hand over, write down, once; False when nothing that was due is left."""
        channels = self._health.usable()
        rows_max = 1 if self._health.doubtful(channels) else self._batch_max
        # More than are taken, since of each customer only one is.
        async with autocommit(self._engine) as connection:
            due = await contacts.due(connection, channels, self._clock.now(), rows_max * 2)
        if not due:
            return False
        await worker.check()
        async with self._commands.transaction() as tx:
            outgoing, decided = await self._claims.claim(tx, worker.number, due, rows_max)
        handed = await self.hand_over(outgoing)
        if outgoing:
            await self.record(outgoing, handed)
        through = decided == len(due) < rows_max * 2
        return not through or any(one.went is Went.NOT_SENT for one in handed)

    async def hand_over(self, outgoing: Sequence[Attempt]) -> list[Handed]:
        """Send each once, some at a time; the answers in the same order."""
        return await asyncio.gather(*(self._send(attempt) for attempt in outgoing))

    async def record(self, outgoing: Sequence[Attempt], handed: Sequence[Handed]) -> None:
        """Write down a batch's answers with their events, in one transaction."""
        said = [
            reports.report_of(attempt.attempt_id, one, attempt.worker)
            for attempt, one in zip(outgoing, handed, strict=True)
        ]
        waits = retry.backoff_s()
        for tries_left in reversed(range(RECORD_TRIES_MAX)):
            try:
                async with self._commands.transaction() as tx:
                    await reports.apply(tx, said)
                return
            except Exception as error:
                if not retry.is_passing(error) or not tries_left:
                    raise
                log.warning("record_waits", attempts=len(said), error=type(error).__name__)
                await asyncio.sleep(next(waits))

    async def _send(self, attempt: Attempt) -> Handed:
        message = Message(attempt.attempt_id, attempt.endpoint, attempt.body, attempt.subject)
        async with self._bounds[attempt.channel]:
            handed = await self._channels[attempt.channel].send(message)
        self._health.note(attempt.channel, handed)
        return handed

    async def _idle(self, stop: asyncio.Event, looked_at: datetime) -> None:
        """Wait for new work, for the clock to move on from the last look, or for the poll that sees others' work."""
        soon = looked_at + timedelta(seconds=self._poll_s)
        waits = [
            asyncio.ensure_future(wait)
            for wait in (stop.wait(), self._woken.wait(), self._clock.sleep_until(soon, poll_s=self._poll_s))
        ]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
