"""Attempts: what was handed over, in what state it is, and whose it is while it is on its way."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.contact.domain.attempt import State
from services.contact.store.sql import BIGS, TEXTS, statement


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt about to be made."""

    attempt_id: str
    contact_id: str
    customer_id: str
    channel: str
    at: datetime
    worker: int | None
    endpoint: str
    subject: str = ""
    body: str = ""


@dataclass(frozen=True, slots=True)
class Moved:
    """An attempt's new state."""

    attempt_id: str
    state: str
    provider_id: str | None = None
    outcome: str | None = None
    reason: str | None = None
    due_at: datetime | None = None
    """When to try again, for an attempt that was not sent and should wait."""


_LOCK = statement(
    """SELECT a.attempt_id, a.contact_id, a.customer_id, a.channel, a.state, a.at, a.worker, a.provider_id,
              c.case_id, c.template
       FROM attempt a JOIN contact c USING (contact_id)
       WHERE a.attempt_id = ANY(:attempt_ids) ORDER BY a.attempt_id FOR UPDATE OF a, c""",
    attempt_ids=TEXTS,
)
# The contact follows its attempt; one that never left is planned again.
_MOVE = statement(
    """WITH moved AS (
           UPDATE attempt a SET state = r.state, provider_id = coalesce(r.provider_id, a.provider_id),
                  outcome = coalesce(r.outcome, a.outcome), reason = r.reason
           FROM json_to_recordset(:rows) AS r (attempt_id text, state text, provider_id text, outcome text, reason text,
                                               due_at timestamptz)
           WHERE a.attempt_id = r.attempt_id
           RETURNING a.contact_id, a.state, a.reason, r.due_at)
       UPDATE contact c SET state = CASE moved.state WHEN 'not_sent' THEN 'planned' ELSE moved.state END,
                            reason = moved.reason, due_at = coalesce(moved.due_at, c.due_at)
       FROM moved WHERE c.contact_id = moved.contact_id"""
)
_WORKERS = statement(
    "SELECT DISTINCT worker FROM attempt WHERE state = 'pending' AND worker IS NOT NULL AND worker <> :worker"
)
_OF_WORKERS = statement(
    "SELECT attempt_id FROM attempt WHERE state = 'pending' AND worker = ANY(:workers) ORDER BY attempt_id",
    workers=BIGS,
)
# One statement a state: what waits is few, and an index that holds nothing else finds it, if its state is written out.
_LISTED: Final = {
    state: statement(
        f"""SELECT attempt_id, contact_id, customer_id, channel, state, at, sends, provider_id, reason
            FROM attempt WHERE state = '{state}' AND channel = ANY(:channels)
            ORDER BY at, attempt_id LIMIT :rows_max""",  # noqa: S608  a state's own name
        channels=TEXTS,
    )
    for state in State
}

# Over the whole table: for people and checks, not for the path of a contact.
_TOTALS = sa.text("SELECT channel, state, count(*) AS attempts FROM attempt GROUP BY channel, state ORDER BY 1, 2")

# Advisory locks say which processes live: each holds the lock of its number for as long as it is connected.
_CLAIM_NUMBER = sa.text("SELECT nextval('worker_id')")
_HOLD_NUMBER = sa.text("SELECT pg_advisory_lock(hashtext('arrears.worker.' || current_schema()), :worker)")
_NUMBER_IS_FREE = sa.text("SELECT pg_try_advisory_xact_lock(hashtext('arrears.worker.' || current_schema()), :worker)")
_TRY_RESOLVING = sa.text("SELECT pg_try_advisory_lock(hashtext('arrears.resolving.' || current_schema()), 0)")


async def lock(connection: AsyncConnection, attempt_ids: Sequence[str]) -> dict[str, Any]:
    """Lock attempts and their contacts; rows by attempt id."""
    found = await connection.execute(_LOCK, {"attempt_ids": sorted(set(attempt_ids))})
    return {row.attempt_id: row for row in found}


async def move(connection: AsyncConnection, moved: Sequence[Moved]) -> None:
    """Write new states; the caller holds the attempts locked."""
    await connection.execute(_MOVE, {"rows": moved})


async def listed(
    connection: AsyncConnection, state: State, channels: Sequence[str], rows_max: int
) -> list[dict[str, Any]]:
    """Attempts in a state, oldest first."""
    values = {"channels": list(channels), "rows_max": rows_max}
    found = await connection.execute(_LISTED[state], values)
    return [dict(row._mapping) for row in found]


async def totals(connection: AsyncConnection) -> list[dict[str, Any]]:
    """How many attempts there are by channel and state."""
    return [dict(row._mapping) for row in await connection.execute(_TOTALS)]


async def become_worker(connection: AsyncConnection) -> int:
    """A number of one's own, held by this connection until it closes."""
    worker: int = (await connection.execute(_CLAIM_NUMBER)).scalar_one()
    await connection.execute(_HOLD_NUMBER, {"worker": worker})
    return worker


async def may_resolve(connection: AsyncConnection) -> bool:
    """Whether this connection is the one that resolves attempts; held until it closes, so ask once."""
    return bool((await connection.execute(_TRY_RESOLVING)).scalar_one())


async def orphans(connection: AsyncConnection, worker: int) -> list[str]:
    """Pending attempts of processes that are gone."""
    others = (await connection.execute(_WORKERS, {"worker": worker})).scalars().all()
    dead = [other for other in others if (await connection.execute(_NUMBER_IS_FREE, {"worker": other})).scalar_one()]
    if not dead:
        return []
    return [row.attempt_id for row in await connection.execute(_OF_WORKERS, {"workers": dead})]
