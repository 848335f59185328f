"""Waiting until nothing moves any more: between two steps of a simulated day, so that each run takes the same course.

Services act only on what reaches them: records, answers to their messages, the clock. So when every service is
through with what there was, and what they emitted has ended up where somebody applied it, nothing can follow.
"""

import asyncio
import time
from collections.abc import Mapping
from datetime import datetime
from types import TracebackType
from typing import Any, Final, Self

from aiokafka import AIOKafkaConsumer, TopicPartition

from deploy.local.demo.line import AwayError, Line
from deploy.local.demo.progress import unfinished
from shared.contracts.topics import TOPICS

TIMEOUT_S: Final = 120.0
PAUSE_S: Final = 0.003
AWAY_PAUSE_S: Final = 0.2
ORDER: Final = ("ingest", "strategy", "contact", "reporting")
"""The way of the events: there is no sense in asking a service before those that feed it."""


class StuckError(Exception):
    """Something does not come to an end."""


class Quiet:
    """Asks the services, the SMS gateway and Kafka how far they are. `asked` counts the questions."""

    def __init__(self, bootstrap: str, services: Mapping[str, Line], gateway: Line) -> None:
        self.asked = 0
        self._services = services
        self._gateway = gateway
        self._consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, enable_auto_commit=False)
        self._partitions: list[TopicPartition] = []
        self._ends: dict[tuple[str, int], int] = {}

    async def __aenter__(self) -> Self:
        await self._consumer.start()
        await self._consumer.topics()
        self._partitions = [
            TopicPartition(topic.name, partition)
            for topic in TOPICS
            for partition in sorted(self._consumer.partitions_for_topic(topic.name) or ())
        ]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._consumer.stop()

    def expect(self, ends: Mapping[tuple[str, int], int]) -> None:
        """What was published: no need to ask Kafka for it."""
        self._ends.update(ends)

    async def until(self, now: datetime) -> None:
        """Return when nothing moves and all clocks have reached `now`; StuckError says what does not come to rest."""
        deadline = time.monotonic() + TIMEOUT_S
        while True:
            for name in ORDER:
                while left := await self._left(name, now):
                    if time.monotonic() > deadline:
                        raise StuckError(f"{name} does not come to rest: {left}")
                    await asyncio.sleep(PAUSE_S)
            if await self._is_quiet(now):
                return

    async def _left(self, name: str, now: datetime) -> str:
        try:
            return unfinished(name, await self._progress(name), self._ends, now)
        except AwayError as away:
            # It is started again; what it was at, it will do then.
            await asyncio.sleep(AWAY_PAUSE_S)
            return str(away)

    async def _is_quiet(self, now: datetime) -> bool:
        """One round in the order that proves it.

        Contact is asked before and after the gateway: what it had handed over by the first time is answered by the
        gateway's turn, and what follows from those answers shows the second time. The topics' ends come last, so
        that whatever anybody emitted meanwhile is seen as not applied by those asked before.
        """
        seen: list[tuple[str, Any]] = [(name, await self._progress(name)) for name in ORDER]
        self.asked += 1
        if (await self._gateway.get("/pending"))["pending"]:
            return False
        seen.append(("contact", await self._progress("contact")))
        ends = await self._consumer.end_offsets(self._partitions)
        self._ends = {(tp.topic, tp.partition): end for tp, end in ends.items()}
        return not any(unfinished(name, progress, self._ends, now) for name, progress in seen)

    async def _progress(self, name: str) -> Any:
        self.asked += 1
        return await self._services[name].get("/progress")
