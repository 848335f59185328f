"""The SQL of the HTTP door: which requests were taken in, under which key, and what they were answered."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.ingest.tables import Submission

_FIND = sa.text(
    "SELECT idempotency_key, fingerprint, last_seq, results FROM submission WHERE idempotency_key = :key"
).columns(results=sa.JSON)
_KEEP = sa.text(
    """INSERT INTO submission (idempotency_key, fingerprint, last_seq, results, accepted_at)
       VALUES (:idempotency_key, :fingerprint, :last_seq, :results, :now)"""
).bindparams(sa.bindparam("results", type_=sa.JSON), sa.bindparam("now", type_=sa.DateTime(timezone=True)))
_FORGET = sa.text("DELETE FROM submission WHERE accepted_at < :before").bindparams(
    sa.bindparam("before", type_=sa.DateTime(timezone=True))
)


async def find(connection: AsyncConnection, key: str) -> Submission | None:
    """What was taken in under a key."""
    row = (await connection.execute(_FIND, {"key": key})).first()
    return None if row is None else Submission(*row)


async def keep(connection: AsyncConnection, submission: Submission, now: datetime) -> None:
    """Remember a request with its answer."""
    await connection.execute(_KEEP, {**submission._asdict(), "now": now})


async def forget(connection: AsyncConnection, before: datetime) -> None:
    """Drop the keys of requests older than an instant."""
    await connection.execute(_FORGET, {"before": before})
