"""What the role of BI tools may do, and what it may not."""

from collections.abc import AsyncIterator
from datetime import date

import asyncpg
import pytest

from services.reporting.metrics.catalogue import VIEWS
from services.reporting.tables import INTERNAL, metadata
from tests.conftest import DatabaseFactory


@pytest.fixture
async def bi(reporting_url: str, database: DatabaseFactory) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(await database("bi", scheme="postgresql"))
    yield connection
    await connection.close()


async def test_reads_the_star_schema_and_the_views(bi: asyncpg.Connection) -> None:
    names = [name for name in metadata.tables if name not in INTERNAL]
    names += [view.name for view in VIEWS if not view.arguments]
    for name in [*names, "account_period", "repayment_applied_by_day"]:
        assert await bi.fetch(f"TABLE {name}") == []
    assert await bi.fetch("SELECT * FROM roll_matrix($1, $2)", date(2026, 1, 30), date(2026, 2, 27)) == []


async def test_cannot_write(bi: asyncpg.Connection) -> None:
    await bi.execute("SET default_transaction_read_only = off")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await bi.execute("INSERT INTO business_day (business_date) VALUES ('2026-01-30')")


@pytest.mark.parametrize("table", ["dead_letter", "outbox", "outbox_default", "shard", "relay", *sorted(INTERNAL)])
async def test_does_not_see_the_bookkeeping(bi: asyncpg.Connection, table: str) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await bi.fetch(f"TABLE {table}")


@pytest.mark.parametrize("schema", ["ingest", "strategy", "contact"])
async def test_does_not_see_other_services(bi: asyncpg.Connection, database: DatabaseFactory, schema: str) -> None:
    owner = await asyncpg.connect(await database(schema, scheme="postgresql"))
    await owner.execute("CREATE TABLE IF NOT EXISTS secret (n int)")
    await owner.close()
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await bi.fetch(f"TABLE {schema}.secret")
