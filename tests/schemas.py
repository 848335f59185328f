"""A service's schema for tests and benches: migrated as a service migrates it, emptied between tests."""

from typing import Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from deploy.local.environments import PROJECT
from shared.runtime import database
from tests.conftest import DatabaseFactory

_TABLES: Final = sa.text(
    """SELECT string_agg(quote_ident(relname), ', ') FROM pg_class
       WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition
             AND relname <> 'alembic_version'"""
)


async def migrate(service: str, url: str) -> None:
    """What `python -m services.<service> migrate` does."""
    await database.migrate(url, PROJECT / "services" / service / "migrations")


async def migrated(service: str, factory: DatabaseFactory) -> str:
    """The URL of a new database with the service's schema."""
    url = await factory(service, fresh=True)
    await migrate(service, url)
    return url


async def empty(connection: AsyncConnection) -> None:
    """Every table of the connection's schema, the loop's too."""
    names = (await connection.execute(_TABLES)).scalar_one()
    await connection.execute(sa.text(f"TRUNCATE {names}"))
