"""Which dispatching processes live. Each holds a numbered advisory lock on a connection of its own.

A lock ends with its connection, so a process that died or lost the database is seen to be gone without any clock,
and what it was sending is then of unknown fate.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from services.contact.store import attempts
from shared.messaging.autocommit import autocommit


class Worker:
    """This process's number."""

    def __init__(self, connection: AsyncConnection, number: int) -> None:
        self.number = number
        self._connection = connection
        self._resolves = False

    async def check(self) -> None:
        """Raises what the database raises when the lock may be lost: then nothing may be claimed under the number."""
        await self._connection.execute(sa.text("SELECT 1"))

    async def may_resolve(self) -> bool:
        """Whether this process is the one that resolves attempts of unknown fate, now and for as long as it lives."""
        if self._resolves:
            await self.check()
        else:
            self._resolves = await attempts.may_resolve(self._connection)
        return self._resolves


@asynccontextmanager
async def registered(engine: AsyncEngine) -> AsyncIterator[Worker]:
    """A number for the time of the block."""
    async with autocommit(engine) as connection:
        worker = Worker(connection, await attempts.become_worker(connection))
        try:
            yield worker
        finally:
            # Returned to the pool, the connection would keep its locks: close it for good.
            await connection.invalidate()
