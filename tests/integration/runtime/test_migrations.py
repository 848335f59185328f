"""A schema migrated from nothing is the one that is described: a change of one without the other fails here."""

from importlib import import_module
from typing import Final

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import create_async_engine

from deploy.local.environments import SERVICES
from services.reporting import views
from shared.messaging import tables as messaging
from tests.conftest import DatabaseFactory
from tests.schemas import migrated

Shape = dict[str, set[tuple[object, ...]]]
"""Kind of thing -> what there is of it."""

# The names of NOT NULL constraints are left out: they keep the old name of a column that was renamed.
_CATALOGUE: Final = {
    "tables": """
        SELECT relname, relkind::text, pg_get_partkeydef(oid), pg_get_expr(relpartbound, oid)
        FROM pg_class WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'p')""",
    "columns": """
        SELECT relname, attname, format_type(atttypid, atttypmod), attnotnull, attidentity::text, attgenerated::text,
               pg_get_expr(adbin, adrelid)
        FROM pg_class AS c JOIN pg_attribute ON attrelid = c.oid
        LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
        WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'p') AND attnum > 0
              AND NOT attisdropped""",
    "keys and checks": """
        SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid)
        FROM pg_constraint WHERE connamespace = current_schema()::regnamespace AND contype <> 'n'""",
    "indexes": "SELECT tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = current_schema()",
}
_REPORTED: Final = {
    "views": """
        SELECT relname, pg_get_viewdef(oid), obj_description(oid, 'pg_class')
        FROM pg_class WHERE relnamespace = current_schema()::regnamespace AND relkind = 'v'""",
    "functions": """
        SELECT proname, pg_get_functiondef(oid), obj_description(oid, 'pg_proc')
        FROM pg_proc WHERE pronamespace = current_schema()::regnamespace""",
    "comments": """
        SELECT relname, attname, obj_description(c.oid, 'pg_class'), col_description(c.oid, attnum)
        FROM pg_class AS c JOIN pg_attribute ON attrelid = c.oid
        WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r' AND attnum > 0""",
}


async def described(service: str, database: DatabaseFactory) -> str:
    """A new database's URL, with what the modules describe."""
    metadata: sa.MetaData = import_module(f"services.{service}.tables").metadata
    url = await database(service, fresh=True)
    engine = create_async_engine(url)
    async with engine.begin() as connection:
        await connection.run_sync(messaging.create)
        await connection.run_sync(metadata.create_all)
        if service == "reporting":
            for statement in views.definitions(connection.dialect):
                await connection.exec_driver_sql(statement)
    await engine.dispose()
    return url


async def shape_of(url: str, catalogue: dict[str, str]) -> Shape:
    """What there is of each kind, but for the note of how far the schema is migrated."""
    engine = create_async_engine(url)
    async with engine.connect() as connection:
        found = {kind: (await connection.execute(sa.text(query))).all() for kind, query in catalogue.items()}
    await engine.dispose()
    return {kind: {tuple(row) for row in rows if row[0] != "alembic_version"} for kind, rows in found.items()}


async def differences(service: str, database: DatabaseFactory, catalogue: dict[str, str]) -> list[str]:
    """What is only migrated or only described, a line each."""
    made = await shape_of(await migrated(service, database), catalogue)
    meant = await shape_of(await described(service, database), catalogue)
    assert all(made.values()), "the catalogue is asked for what there is none of"
    only = [f"only migrated, {kind}: {one}" for kind in made for one in made[kind] - meant[kind]]
    return sorted(only + [f"only described, {kind}: {one}" for kind in meant for one in meant[kind] - made[kind]])


@pytest.mark.parametrize("service", SERVICES)
async def test_migrations_make_the_tables_that_are_described(service: str, database: DatabaseFactory) -> None:
    assert await differences(service, database, _CATALOGUE) == []


async def test_migrations_make_the_views_and_comments_that_reporting_defines(database: DatabaseFactory) -> None:
    assert await differences("reporting", database, _REPORTED) == []
