"""Statements outside a transaction: a single look, a lock that lasts as long as its session, a VACUUM."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy.ext.asyncio import AsyncConnection

from shared.messaging.ports import Engine


@asynccontextmanager
async def autocommit(engine: Engine) -> AsyncIterator[AsyncConnection]:
    """A connection on which each statement is a transaction of its own, without the round trips that begin and end one.

    Several statements on it may see different states of the database.
    """
    async with engine.connect() as connection:
        yield await connection.execution_options(isolation_level="AUTOCOMMIT")
