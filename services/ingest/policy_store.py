"""The SQL of policy versions and their activations. Both tables are only ever inserted into."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import orjson
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncConnection

Row = dict[str, Any]
SHIPPED: Final = "shipped"
"""Who drafted and first activated what comes with the system; "shipped as version 2" where that number was taken."""

_LAST = sa.text("SELECT coalesce(max(activation), 0) FROM policy_activation")
_ACTIVE = sa.text(
    """SELECT DISTINCT ON (a.name) a.name, a.version, v.document
       FROM policy_activation a JOIN policy_version v USING (name, version)
       WHERE a.activation <= :activation ORDER BY a.name, a.activation DESC"""
).columns(document=JSONB)
_VERSION = sa.text(
    "SELECT name, version, document, drafted_by FROM policy_version WHERE name = :name AND version = :version"
).columns(document=JSONB)
_LATEST = sa.text(
    """SELECT name, version, document, drafted_by FROM policy_version
       WHERE name = :name ORDER BY version DESC LIMIT 1"""
).columns(document=JSONB)
_SHIPPED_AS = sa.text(
    """SELECT name, version, document, drafted_by FROM policy_version
       WHERE name = :name AND (drafted_by = :renumbered OR (drafted_by = :shipped AND version = :version))"""
).columns(document=JSONB)
_WAITING = sa.text(
    """SELECT DISTINCT v.name FROM policy_version v
       WHERE split_part(v.drafted_by, ' ', 1) = :shipped
         AND NOT EXISTS (SELECT 1 FROM policy_activation a WHERE a.name = v.name AND a.activation <= :activation)"""
)
# A version is active from its activation until another version of the same pack is activated.
_VERSIONS = sa.text(
    """SELECT v.name, v.version, v.document, v.drafted_by, v.drafted_at,
              coalesce((SELECT json_agg(json_build_object(
                            'activated_by', a.activated_by, 'activated_at', a.activated_at) ORDER BY a.activation)
                        FROM policy_activation a WHERE a.name = v.name AND a.version = v.version), '[]') AS activations,
              v.version = (SELECT a.version FROM policy_activation a WHERE a.name = v.name
                           ORDER BY a.activation DESC LIMIT 1) AS active
       FROM policy_version v WHERE v.name = :name ORDER BY v.version"""
).columns(document=JSONB, activations=JSONB)
_INSERT_VERSION = sa.text(
    """INSERT INTO policy_version (name, version, document, drafted_by, drafted_at)
       VALUES (:name, :version, :document, :drafted_by, :drafted_at) ON CONFLICT DO NOTHING"""
).bindparams(sa.bindparam("document", type_=JSONB))
_INSERT_ACTIVATION = sa.text(
    """INSERT INTO policy_activation (name, version, activated_by, activated_at)
       VALUES (:name, :version, :activated_by, :activated_at)"""
)


async def last_activation(connection: AsyncConnection) -> int:
    """The number that stands for all policies in force; 0 before the first activation."""
    return int((await connection.execute(_LAST)).scalar_one())


async def active(connection: AsyncConnection, activation: int) -> list[Row]:
    """The version of each pack that was active right after an activation."""
    return [dict(row._mapping) for row in await connection.execute(_ACTIVE, {"activation": activation})]


async def version(connection: AsyncConnection, name: str, number: int) -> Row | None:
    """One version as written."""
    row = (await connection.execute(_VERSION, {"name": name, "version": number})).first()
    return dict(row._mapping) if row else None


async def latest(connection: AsyncConnection, name: str) -> Row | None:
    """The pack's highest version."""
    row = (await connection.execute(_LATEST, {"name": name})).first()
    return dict(row._mapping) if row else None


async def shipped_as(connection: AsyncConnection, name: str, number: int) -> Row | None:
    """What was shipped as that version, whichever number it has here."""
    keys = {"name": name, "version": number, "shipped": SHIPPED, "renumbered": f"{SHIPPED} as version {number}"}
    row = (await connection.execute(_SHIPPED_AS, keys)).first()
    return dict(row._mapping) if row else None


async def waiting(connection: AsyncConnection, activation: int) -> set[str]:
    """Names that a release shipped a pack under and of which nobody had activated any version by then."""
    found = await connection.execute(_WAITING, {"shipped": SHIPPED, "activation": activation})
    return {row.name for row in found}


async def versions(connection: AsyncConnection, name: str) -> Sequence[Row]:
    """All versions of a pack with who drafted and activated them."""
    return [dict(row._mapping) for row in await connection.execute(_VERSIONS, {"name": name})]


async def insert_version(
    connection: AsyncConnection, document: Mapping[str, Any], drafted_by: str, drafted_at: datetime
) -> None:
    """Keep a version; what is there stands."""
    written = orjson.loads(orjson.dumps(document))
    row = {"name": document["name"], "version": document["version"], "document": written}
    await connection.execute(_INSERT_VERSION, {**row, "drafted_by": drafted_by, "drafted_at": drafted_at})


async def insert_activation(connection: AsyncConnection, name: str, number: int, by: str, at: datetime) -> None:
    """Put a version in force."""
    row = {"name": name, "version": number, "activated_by": by, "activated_at": at}
    await connection.execute(_INSERT_ACTIVATION, row)
