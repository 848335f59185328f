"""The connection pool of one service on its own schema, and its migrations."""

import asyncio
import socket
from pathlib import Path
from typing import Any, Final

import orjson
import structlog
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, ExceptionContext, event, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from shared.messaging import retry
from shared.vocabulary.errors import Misconfigured

_NO_USE: Final = {
    "28P01": "the password is refused",
    "28000": "the role is refused",
    "3D000": "there is no such database",
}

SILENCE: Final = {"TCP_KEEPIDLE": 10, "TCP_KEEPINTVL": 5, "TCP_KEEPCNT": 3}
"""A connection on which the other host answers nothing is lost after 25 s."""
SESSION: Final = {
    "application_name": "arrears",
    "jit": "off",
    "timezone": "UTC",
    # A process that stands still in a transaction (stopped, or cut off from the network) lets go of its locks.
    "idle_in_transaction_session_timeout": "30s",
}

log = structlog.get_logger()


def engine_of(url: str, connections_max: int) -> AsyncEngine:
    """A pool that waits a bounded time for a connection; JSON is read and written by orjson."""
    engine = create_async_engine(
        url,
        pool_size=connections_max,
        max_overflow=0,
        pool_timeout=10,
        # The connection used last has its statements prepared already.
        pool_use_lifo=True,
        connect_args={"timeout": 5, "server_settings": SESSION},
        json_serializer=lambda value: orjson.dumps(value).decode(),
        json_deserializer=orjson.loads,
    )
    event.listen(engine.sync_engine, "handle_error", _count_as_lost)
    event.listen(engine.sync_engine, "connect", _notice_silence)
    return engine


def _notice_silence(connection: Any, _: Any) -> None:
    """A host that loses its power says nothing, and who waits for its answer would for hours."""
    line = connection.driver_connection._transport.get_extra_info("socket")
    if line.family == socket.AF_UNIX:
        return
    line.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, seconds in SILENCE.items():
        if hasattr(socket, option):  # not everywhere but on Linux
            line.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), seconds)


def _count_as_lost(context: ExceptionContext) -> None:
    """asyncpg loses count of its own state when a connection breaks at a bad moment: that connection is gone too."""
    if "cannot switch to state" in str(context.original_exception):
        context.is_disconnect = True


async def wait_for(engine: AsyncEngine, stop: asyncio.Event) -> None:
    """Return when the database answers and has the tables; one clear line a try until then.

    Misconfigured where waiting is no use: a refused password, no such database, a schema that was not migrated.
    """
    waits = retry.backoff_s()
    while not stop.is_set():
        try:
            async with engine.connect() as connection:
                await _look_for_tables(connection)
            return
        except Exception as error:
            if sentence := _NO_USE.get(retry.sqlstate(error)):
                raise Misconfigured(f"ARREARS_DATABASE_URL: {sentence}") from None
            if not retry.is_passing(error):
                raise
            log.warning("database_unreachable", error=type(error).__name__)
            await retry.sleep_unless(stop, next(waits))


async def _look_for_tables(connection: AsyncConnection) -> None:
    if (await connection.execute(text("SELECT to_regclass('shard')"))).scalar_one() is None:
        raise Misconfigured("the service's schema has no tables: run its `migrate` command first")


def migration_config(folder: Path) -> Config:
    """Alembic's settings for one service's chain; no ini file."""
    config = Config()
    config.set_main_option("script_location", str(folder))
    return config


async def migrate(url: str, folder: Path) -> None:
    """Bring the service's schema to the newest revision; safe to repeat and to run twice at once."""
    engine = create_async_engine(url)
    try:
        async with engine.begin() as connection:
            await connection.run_sync(_upgrade, migration_config(folder))
    finally:
        await engine.dispose()


def _upgrade(connection: Connection, config: Config) -> None:
    connection.execute(text("SELECT pg_advisory_xact_lock(hashtext('arrears.migrate.' || current_schema()))"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
