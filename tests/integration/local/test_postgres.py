"""The local PostgreSQL: killed and started again, and what each role may do."""

from pathlib import Path

import asyncpg
import pytest

from deploy.local.postgres import PostgresServer
from tests.conftest import DatabaseFactory


@pytest.mark.parametrize("durable", [True, False], ids=["durable", "for tests"])
async def test_committed_rows_survive_a_kill_on_the_same_port(folder: Path, durable: bool) -> None:
    server = PostgresServer(folder / "postgres", folder / "postgres.log", durable=durable)
    child = await server.start()
    port = server.port
    try:
        connection = await asyncpg.connect(server.url("ingest"))
        await connection.execute("CREATE TABLE kept (n int)")
        await connection.execute("INSERT INTO kept VALUES (1)")
        child.kill()
        await child.wait()
        child = await server.start()
        assert server.port == port
        again = await asyncpg.connect(server.url("ingest"))
        assert await again.fetchval("SELECT n FROM kept") == 1
        assert await again.fetchval("SHOW fsync") == ("on" if durable else "off")
        await again.close()
    finally:
        await child.stop()


async def test_lost_passwords_are_said_clearly(folder: Path) -> None:
    server = PostgresServer(folder / "postgres", folder / "postgres.log")
    await (await server.start()).stop()
    (folder / "postgres" / "passwords.json").unlink()
    with pytest.raises(Exception, match="make clean-local"):
        await server.start()


async def test_a_service_reads_its_own_schema_only(database: DatabaseFactory) -> None:
    ingest = await asyncpg.connect(await database("ingest", scheme="postgresql"))
    strategy = await asyncpg.connect(await database("strategy", scheme="postgresql"))
    try:
        await ingest.execute("CREATE TABLE ledger (n int)")
        assert await ingest.fetchval("SELECT count(*) FROM ledger") == 0
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await strategy.fetchval("SELECT count(*) FROM ingest.ledger")
        with pytest.raises(asyncpg.UndefinedTableError):
            await strategy.fetchval("SELECT count(*) FROM ledger")
    finally:
        await ingest.close()
        await strategy.close()


async def test_bi_reads_what_reporting_grants_and_writes_nothing(database: DatabaseFactory) -> None:
    reporting = await asyncpg.connect(await database("reporting", scheme="postgresql"))
    bi = await asyncpg.connect(await database("bi", scheme="postgresql"))
    try:
        await reporting.execute("CREATE TABLE rates AS SELECT 1 AS n")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await bi.fetchval("SELECT n FROM rates")
        await reporting.execute("GRANT SELECT ON rates TO bi")
        assert await bi.fetchval("SELECT n FROM rates") == 1
        await bi.execute("SET default_transaction_read_only = off")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await bi.execute("INSERT INTO rates VALUES (2)")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await bi.execute("CREATE TABLE mine (n int)")
    finally:
        await reporting.close()
        await bi.close()
