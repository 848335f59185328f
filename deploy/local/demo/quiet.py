"""Waiting until nothing moves any more: between two steps of a simulated day, so that each run takes the same course.

Services act only on what reaches them: records, answers to their messages, the clock. So when every service is
through with what there was, and what they emitted has ended up where somebody applied it, nothing can follow.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from time import monotonic
from typing import Any, Final, Literal

from deploy.local.demo.line import AwayError, Line
from deploy.local.demo.patience import Patience
from deploy.local.demo.progress import Ends, unfinished

TIMEOUT_S: Final = 120.0
AWAY_PAUSE_S: Final = 0.2
Step = Literal["morning", "calls", "close", "end"]
ORDER: Final[Mapping[Step, tuple[str, ...]]] = {
    "morning": ("contact",),
    "calls": ("ingest", "contact", "strategy"),
    "close": ("ingest", "strategy", "contact"),
    "end": ("ingest", "strategy", "contact", "reporting"),
}
"""Who has to be through before a step is over, in the way of the events: there is no sense in asking a service before
those that feed it. Nobody acts on what reporting does: it may lag behind until the end."""


InnerEnds = Callable[[], Awaitable[Ends]]
"""Asks for the present ends of the topics between services."""


class StuckError(Exception):
    """Something does not come to an end."""


class Quiet:
    """Asks the services and the SMS gateway how far they are. `asked` counts the questions."""

    def __init__(self, services: Mapping[str, Line], gateway: Line, ends: InnerEnds) -> None:
        self.asked = 0
        self._inner_ends = ends
        self._services = services
        self._gateway = gateway
        self._received = 0
        self._patience = Patience()
        self._ends: dict[tuple[str, int], int] = {}
        self._seen: dict[str, Any] = {}

    def expect(self, ends: Mapping[tuple[str, int], int]) -> None:
        """What was published: no need to ask Kafka for it."""
        self._ends.update(ends)

    async def until(self, step: Step, now: datetime) -> None:
        """Return when nothing moves and all clocks have reached `now`; StuckError says what does not come to rest.

        The topics' ends are asked for last: whatever anybody emitted meanwhile is then seen as not applied by those
        asked before, and they are asked again. Who was through with all there is before this step began is not asked;
        contact always is, since calls and receipts reach it without a topic.
        """
        started, asked = monotonic(), False
        while not asked or not self._all_through(step, now):
            for name in ORDER[step]:
                await self._look_at_ends()
                if name == "contact" or self._unfinished(name, now):
                    await self._through(step, name, now, started)
                if name == "contact":
                    await self._answered(step, now, started)
            await self._look_at_ends()
            asked = True

    def _all_through(self, step: Step, now: datetime) -> bool:
        return not any(self._unfinished(name, now) for name in ORDER[step])

    def _unfinished(self, name: str, now: datetime) -> str:
        """What the service had left when it was asked last, of all that is there now."""
        seen = self._seen.get(name)
        return "it was not asked yet" if seen is None else unfinished(name, seen, self._ends, now)

    async def _look_at_ends(self) -> None:
        """Where the services' own topics end; those of core banking are written by us alone."""
        self._ends.update(await self._inner_ends())

    async def _through(self, step: str, name: str, now: datetime, started: float) -> None:
        """Return when the service has nothing left of what is known to be there."""
        await asyncio.sleep(self._patience.before_asking_s(step, name, monotonic() - started))
        while left := await self._left(name, now):
            waited_s = monotonic() - started
            if waited_s > TIMEOUT_S:
                raise StuckError(f"{name} does not come to rest: {left}")
            await asyncio.sleep(self._patience.before_asking_again_s(waited_s))
        self._patience.through(step, name, monotonic() - started)

    async def _answered(self, step: Step, now: datetime, started: float) -> None:
        """Return when the gateway has answered for all messages, and contact is through with the answers.

        Contact had handed over everything when it was asked before; what the answers made it emit shows when it is
        asked again, and so may further messages, which the gateway is then asked about in turn.
        """
        while (received := await self._received_and_answered(started)) != self._received:
            self._received = received
            await self._through(f"{step}, answered", "contact", now, started)

    async def _received_and_answered(self, started: float) -> int:
        """How many messages the gateway has got, once it has answered for all of them."""
        self.asked += 1
        while (gateway := await self._gateway.get("/pending"))["pending"]:
            if monotonic() - started > TIMEOUT_S:
                raise StuckError(f"the SMS gateway does not come to rest: {gateway}")
            await asyncio.sleep(self._patience.before_asking_again_s(monotonic() - started))
        return int(gateway["received"])

    async def _left(self, name: str, now: datetime) -> str:
        self.asked += 1
        try:
            self._seen[name] = await self._services[name].get("/progress")
        except AwayError as away:
            # It is started again; what it was at, it will do then.
            await asyncio.sleep(AWAY_PAUSE_S)
            return str(away)
        return self._unfinished(name, now)
