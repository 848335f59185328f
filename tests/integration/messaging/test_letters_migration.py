"""A schema made before dead letters could be redriven keeps its letters."""

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import create_async_engine

from shared.messaging import dead_letters, migrations
from tests.conftest import DatabaseFactory

OLD_LETTERS = sa.text(
    """INSERT INTO dead_letter (stream, topic, partition, position, headers, reason, detail, rejected_at)
       VALUES ('s', 't', 0, 7, '[["ö", "hex:00ff"], ["plain", "text"], ["none", null]]', 'r', 'd', now()),
              ('s', 't', 0, 8, '[]', 'r', 'd', now())"""
)


async def test_old_letters_keep_their_bytes(database: DatabaseFactory) -> None:
    engine = create_async_engine(await database("ingest", fresh=True))
    async with engine.begin() as connection:
        await connection.run_sync(migrations.first)
        await connection.execute(OLD_LETTERS)
        await connection.run_sync(migrations.letters_door)
        letter = await dead_letters.one(connection, 1)
        assert letter is not None
        assert letter["headers"] == [("ö", b"\x00\xff"), ("plain", b"text"), ("none", None)]
        assert (letter["state"], letter["tries"]) == ("waiting", 0)
    await engine.dispose()
