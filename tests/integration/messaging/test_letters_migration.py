"""A schema made before dead letters could be redriven gets what a new one has, and keeps its letters."""

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import create_async_engine

from shared.messaging import dead_letters, tables
from tests.conftest import DatabaseFactory

OLD = """CREATE TABLE dead_letter (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, stream text NOT NULL, topic text NOT NULL,
    partition integer NOT NULL, position bigint NOT NULL, key bytea, value bytea, headers jsonb NOT NULL,
    reason text NOT NULL, detail text NOT NULL, rejected_at timestamptz NOT NULL,
    UNIQUE (stream, topic, partition, position))"""
NEW_TABLES = ("dead_letter_history", "redrive", "halt")


async def test_old_letters_keep_their_bytes(database: DatabaseFactory) -> None:
    engine = create_async_engine(await database("ingest", fresh=True))
    async with engine.begin() as connection:
        await connection.run_sync(tables.create)
        fresh = await connection.run_sync(_shape)
        for table in ("dead_letter_history", "redrive", "halt", "dead_letter"):
            await connection.execute(sa.text(f"DROP TABLE {table}"))
        await connection.execute(sa.text(OLD))
        await connection.execute(
            sa.text(
                """INSERT INTO dead_letter (stream, topic, partition, position, headers, reason, detail, rejected_at)
                   VALUES ('s', 't', 0, 7, '[["ö", "hex:00ff"], ["plain", "text"], ["none", null]]', 'r', 'd', now()),
                          ('s', 't', 0, 8, '[]', 'r', 'd', now())"""
            )
        )
        await connection.run_sync(tables.add_letters_door)
        await connection.run_sync(tables.add_letters_door)
        assert await connection.run_sync(_shape) == fresh
        letter = await dead_letters.one(connection, 1)
        assert letter is not None
        assert letter["headers"] == [("ö", b"\x00\xff"), ("plain", b"text"), ("none", None)]
        assert (letter["state"], letter["tries"]) == ("waiting", 0)
    await engine.dispose()


def _shape(connection: sa.Connection) -> dict[str, object]:
    inspector = sa.inspect(connection)
    found: dict[str, object] = {}
    for table in ("dead_letter", *NEW_TABLES):
        columns = {(c["name"], str(c["type"]), c["nullable"]) for c in inspector.get_columns(table)}
        indexes = sorted(str(index["name"]) for index in inspector.get_indexes(table))
        found[table] = (columns, indexes)
    return found
