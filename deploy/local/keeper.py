"""Keeps one part of the local system running: says how it ended, starts it again with backoff, and gives up in time.

Apart from the system because it knows nothing about what it keeps.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable

from deploy.local.program import Child, ProgramError

QUICK_S = 10.0
QUICK_FAILURES_MAX = 5
PAUSE_FIRST_S, PAUSE_MAX_S = 0.2, 5.0
STOP_TIMEOUT_S = 20.0

Tell = Callable[[str], None]


class GaveUpError(Exception):
    """A part failed again and again soon after its start."""


class Keeper:
    """One part: `start` brings it up and returns the running child."""

    def __init__(self, name: str, start: Callable[[], Awaitable[Child]], tell: Tell) -> None:
        self.name = name
        self.restarts = 0
        self._start = start
        self._tell = tell
        self._child: Child | None = None
        self._started_s = 0.0

    @property
    def pid(self) -> int | None:
        """None while it is down."""
        return self._child.pid if self._child is not None and self._child.returncode is None else None

    def obituary(self) -> str:
        """How it ended or that it runs, and the last lines that it logged."""
        return self._child.obituary() if self._child is not None else f"{self.name} was never started"

    async def start(self) -> None:
        """Bring it up; raises what the function given raises."""
        self._child = await self._start()
        self._started_s = time.monotonic()

    async def watch(self) -> None:
        """Run until stopped; raises GaveUpError."""
        failures = 0
        while self._child is not None:
            await self._child.wait()
            failures = 0 if time.monotonic() - self._started_s > QUICK_S else failures + 1
            self._tell(self._child.obituary())
            await self._start_again(failures)

    async def _start_again(self, failures: int) -> None:
        while failures < QUICK_FAILURES_MAX:
            await asyncio.sleep(min(PAUSE_FIRST_S * 2**failures, PAUSE_MAX_S))
            self.restarts += 1
            try:
                await self.start()
            except ProgramError as error:
                failures += 1
                self._tell(str(error))
            else:
                self._tell(f"{self.name} is started again")
                return
        raise GaveUpError(f"{self.name} failed {failures} times in a row soon after its start")

    async def kill(self) -> None:
        """SIGKILL, as a crash would; the watch brings it up again."""
        if self._child is not None:
            self._child.kill()
            await self._child.wait()

    async def stop(self) -> None:
        """Ask it to end in order; a part that does not is killed, and that is said."""
        if self._child is not None and not await self._child.stop(STOP_TIMEOUT_S):
            self._tell(f"{self.name} did not stop within {STOP_TIMEOUT_S:g} s and was killed")
