"""Time as a port. In production it is UTC now; local systems may drive it from the calendar topic."""

import asyncio
from abc import ABC, abstractmethod
from datetime import UTC, datetime

START = datetime(1970, 1, 1, tzinfo=UTC)


class Clock(ABC):
    """The only way to ask what time it is."""

    @abstractmethod
    def now(self) -> datetime:
        """The present instant, in UTC."""

    @abstractmethod
    def observe(self, instant: datetime) -> None:
        """An instant that has certainly come (an event caused by it was seen); only a simulated clock listens."""

    @abstractmethod
    async def sleep_until(self, instant: datetime, *, poll_s: float) -> None:
        """Return when the clock has reached the instant, or after `poll_s` real seconds at the latest."""


class SystemClock(Clock):
    """The machine's clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def observe(self, instant: datetime) -> None:
        return

    async def sleep_until(self, instant: datetime, *, poll_s: float) -> None:
        await asyncio.sleep(max(0.0, min(poll_s, (instant - self.now()).total_seconds())))


class SimulatedClock(Clock):
    """A clock that moves only when told, never back."""

    def __init__(self, start: datetime = START) -> None:
        self._now = start
        self._moved = asyncio.Event()

    def now(self) -> datetime:
        return self._now

    def observe(self, instant: datetime) -> None:
        if instant > self._now:
            self._now = instant.astimezone(UTC)
            self._moved.set()
            self._moved = asyncio.Event()

    async def sleep_until(self, instant: datetime, *, poll_s: float) -> None:
        if instant <= self._now:
            return
        try:
            async with asyncio.timeout(poll_s):
                while instant > self._now:
                    await self._moved.wait()
        except TimeoutError:
            return
