"""Waiting until nothing moves any more: between two steps of a simulated day, so that each run takes the same course.

Services act only on what reaches them: records, answers to their messages, the clock. So when every service is
through with what there was, and what they emitted has ended up where somebody applied it, nothing can follow.
"""

import asyncio
from collections.abc import Mapping
from datetime import datetime
from time import monotonic
from types import TracebackType
from typing import Any, Final, Self

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from deploy.local.demo.line import AwayError, Line
from deploy.local.demo.patience import Patience
from deploy.local.demo.progress import unfinished
from shared.contracts.topics import TOPICS

TIMEOUT_S: Final = 120.0
AWAY_PAUSE_S: Final = 0.2
ORDER: Final = ("ingest", "strategy", "contact", "reporting")
"""The way of the events: there is no sense in asking a service before those that feed it."""


class StuckError(Exception):
    """Something does not come to an end."""


class Quiet:
    """Asks the services, the SMS gateway and Kafka how far they are. `asked` counts the questions."""

    def __init__(self, bootstrap: str, services: Mapping[str, Line], gateway: Line) -> None:
        self.asked = 0
        self._bootstrap = bootstrap
        self._services = services
        self._gateway = gateway
        self._received = 0
        self._patience = Patience()
        self._consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, enable_auto_commit=False)
        self._partitions: list[TopicPartition] = []
        self._ends: dict[tuple[str, int], int] = {}
        self._seen: dict[str, Any] = {}

    async def __aenter__(self) -> Self:
        self._partitions = await _all_partitions(self._bootstrap)
        await self._consumer.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._consumer.stop()

    def expect(self, ends: Mapping[tuple[str, int], int]) -> None:
        """What was published: no need to ask Kafka for it."""
        self._ends.update(ends)

    async def until(self, step: str, now: datetime) -> None:
        """Return when nothing moves and all clocks have reached `now`; StuckError says what does not come to rest.

        The topics' ends are asked for last: whatever anybody emitted meanwhile is then seen as not applied by those
        asked before, and they are asked again.
        """
        started = monotonic()
        while True:
            for name in ORDER:
                await self._through(step, name, now, started)
                if name == "contact":
                    await self._answered(step, now, started)
            ends = await self._consumer.end_offsets(self._partitions)
            self._ends = {(tp.topic, tp.partition): end for tp, end in ends.items()}
            if not any(unfinished(name, self._seen[name], self._ends, now) for name in ORDER):
                return

    async def _through(self, step: str, name: str, now: datetime, started: float) -> None:
        """Return when the service has nothing left of what is known to be there."""
        await asyncio.sleep(self._patience.before_asking_s(step, name, monotonic() - started))
        before = self.asked
        while left := await self._left(name, now):
            waited_s = monotonic() - started
            if waited_s > TIMEOUT_S:
                raise StuckError(f"{name} does not come to rest: {left}")
            await asyncio.sleep(self._patience.before_asking_again_s(waited_s))
        self._patience.through(step, name, monotonic() - started, self.asked - before)

    async def _answered(self, step: str, now: datetime, started: float) -> None:
        """Return when the gateway has answered for all messages, and contact is through with the answers.

        Contact had handed over everything when it was asked before; what the answers made it emit shows now.
        """
        self.asked += 1
        while (gateway := await self._gateway.get("/pending"))["pending"]:
            if monotonic() - started > TIMEOUT_S:
                raise StuckError(f"the SMS gateway does not come to rest: {gateway}")
            await asyncio.sleep(self._patience.before_asking_again_s(monotonic() - started))
        if gateway["received"] != self._received:
            self._received = gateway["received"]
            await self._through(f"{step}, answered", "contact", now, started)

    async def _left(self, name: str, now: datetime) -> str:
        self.asked += 1
        try:
            self._seen[name] = await self._services[name].get("/progress")
        except AwayError as away:
            # It is started again; what it was at, it will do then.
            await asyncio.sleep(AWAY_PAUSE_S)
            return str(away)
        return unfinished(name, self._seen[name], self._ends, now)


async def _all_partitions(bootstrap: str) -> list[TopicPartition]:
    """Every partition of every topic. Asked of the broker: a client that starts with it may know but a part."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        described = await admin.describe_topics([topic.name for topic in TOPICS])
    finally:
        await admin.close()
    found = [TopicPartition(one["topic"], part["partition"]) for one in described for part in one["partitions"]]
    missing = {topic.name for topic in TOPICS} - {place.topic for place in found}
    if missing:
        raise StuckError(f"the broker does not know {', '.join(sorted(missing))}")
    return found
