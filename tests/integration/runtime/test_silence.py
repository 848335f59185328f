"""A database's host that falls silent is noticed: no connection waits for it for ever."""

import socket

import sqlalchemy as sa

from shared.runtime.database import SILENCE, engine_of
from tests.conftest import DatabaseFactory


async def test_every_connection_asks_whether_the_other_side_lives(database: DatabaseFactory) -> None:
    engine = engine_of(await database("ingest"), 1)
    async with engine.connect() as connection:
        await connection.execute(sa.text("SELECT 1"))
        raw = await connection.get_raw_connection()
        assert raw.driver_connection is not None
        line = raw.driver_connection._transport.get_extra_info("socket")
        assert line.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        assert {name: line.getsockopt(socket.IPPROTO_TCP, getattr(socket, name)) for name in SILENCE} == SILENCE
    await engine.dispose()
