"""One copy of the tally in the test's own event loop."""

import asyncio
import traceback
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

import httpx

from shared.runtime.process import Process
from tests.integration.messaging.tally import TallySettings
from tests.waiting import PATIENCE_S, until


def show_failure(task: asyncio.Task[None]) -> None:
    """Print why a copy ended: a test that waits for what it would have done says only that it waited."""
    if not task.cancelled() and (error := task.exception()) is not None:
        traceback.print_exception(error)


@dataclass
class Running:
    """One copy of the service in the test's own event loop."""

    process: Process
    settings: TallySettings
    task: asyncio.Task[None]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.settings.http_port}"

    async def owns(self, shards: int) -> None:
        """Wait until this copy applies that many shards of the first stream."""
        await until(lambda: self._owned() == shards, f"a copy to own {shards} shards")

    def _owned(self) -> int:
        members = self.process._members
        return len(members[0].loops) if members else 0

    async def stop(self) -> None:
        """The orderly end, as SIGTERM asks for it."""
        self.process.stop()
        async with asyncio.timeout(PATIENCE_S):
            await self.task

    async def crash(self) -> None:
        """The end without goodbye: every task is cut off where it stands."""
        self.task.cancel()
        with suppress(BaseException):
            async with asyncio.timeout(PATIENCE_S):
                await self.task


@asynccontextmanager
async def ready(running: Running) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a copy's API, once it answers."""
    async with httpx.AsyncClient(base_url=running.url, timeout=20) as client:
        await until(lambda: _answers(client), "the service to be ready")
        yield client


async def _answers(client: httpx.AsyncClient) -> bool:
    try:
        return (await client.get("/health/ready")).status_code == 200
    except httpx.TransportError:
        return False
