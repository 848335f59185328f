"""Finds out what became of attempts whose answer was lost: by asking the provider, never by sending again.

Only one process does this at a time. What the provider never got is planned again and passes the gate anew; what no
provider can tell (e-mail) stays unknown for a person.
"""

import asyncio
from collections.abc import Mapping
from typing import Final

import structlog
from sqlalchemy.ext.asyncio import AsyncEngine

from services.contact import reports
from services.contact.channels.port import Channel, Went
from services.contact.domain.attempt import State
from services.contact.reports import Report
from services.contact.store import attempts
from services.contact.worker import Worker
from shared.messaging import Commands, retry

ASKED_AT_ONCE_MAX: Final = 100

log = structlog.get_logger()


class Resolver:
    """Asks the channels that keep a record."""

    def __init__(
        self, *, engine: AsyncEngine, commands: Commands, channels: Mapping[str, Channel], interval_s: float
    ) -> None:
        self._engine = engine
        self._commands = commands
        self._channels = {name: channel for name, channel in channels.items() if channel.keeps_record}
        self._interval_s = interval_s
        self._seen: set[str] = set()

    async def run(self, worker: Worker, stop: asyncio.Event) -> None:
        """Look at once, then at intervals."""
        while not stop.is_set():
            if await worker.may_resolve():
                await self.bury(worker)
                await self.ask()
            await retry.sleep_unless(stop, self._interval_s)

    async def bury(self, worker: Worker) -> int:
        """The pending attempts of processes that are gone are of unknown fate; how many there were."""
        # Nearly always nothing is lost, and a command transaction keeps all others waiting while it looks.
        async with self._engine.connect() as connection:
            if not await attempts.orphans(connection, worker.number):
                return 0
        async with self._commands.transaction() as tx:
            lost = await attempts.orphans(tx.connection, worker.number)
            if lost:
                await reports.apply(tx, [Report(one, State.UNKNOWN, reason="process_ended") for one in lost])
        if lost:
            log.warning("attempts_lost", attempts=len(lost))
        return len(lost)

    async def ask(self) -> None:
        """Ask for what was already unknown an interval ago: what is still on its way then has arrived by now."""
        async with self._engine.connect() as connection:
            unknown = await attempts.listed(connection, State.UNKNOWN, list(self._channels), ASKED_AT_ONCE_MAX)
        ripe = [one for one in unknown if one["attempt_id"] in self._seen]
        self._seen = {one["attempt_id"] for one in unknown}
        answers = await asyncio.gather(*(self._channels[one["channel"]].find(one["attempt_id"]) for one in ripe))
        said = [
            reports.report_of(one["attempt_id"], answer)
            for one, answer in zip(ripe, answers, strict=True)
            if answer.went is not Went.UNKNOWN
        ]
        if said:
            async with self._commands.transaction() as tx:
                await reports.apply(tx, said)
