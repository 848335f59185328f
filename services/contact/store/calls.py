"""The call queue: who holds which task until when, and what was reported."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncConnection

from services.contact.store.sql import INSTANT, TEXTS, statement


@dataclass(frozen=True, slots=True)
class Lease:
    """A task handed to a collector."""

    contact_id: str
    attempt_id: str
    collector: str
    leased_until: datetime


# A lease that ran out: the call was never placed, the task is open again.
_RELEASE = statement(
    """WITH expired AS (
           UPDATE call_task SET leased_until = NULL, collector = NULL
           WHERE leased_until <= :now AND report IS NULL RETURNING contact_id, attempt_id),
       unmade AS (
           UPDATE attempt a SET state = 'not_sent', reason = 'lease_expired'
           FROM expired e WHERE a.attempt_id = e.attempt_id AND a.state = 'pending' RETURNING a.contact_id)
       UPDATE contact c SET state = 'planned'
       FROM unmade u WHERE c.contact_id = u.contact_id AND c.state = 'pending'""",
    now=INSTANT,
)
_LEASE = statement(
    """INSERT INTO call_task (contact_id, leases, attempt_id, collector, leased_until)
       SELECT contact_id, 1, attempt_id, collector, leased_until
       FROM json_to_recordset(:rows) AS r (contact_id text, attempt_id text, collector text, leased_until timestamptz)
       ON CONFLICT (contact_id) DO UPDATE
       SET leases = call_task.leases + 1, attempt_id = excluded.attempt_id, collector = excluded.collector,
           leased_until = excluded.leased_until"""
)
_LOCK = statement(
    """SELECT t.contact_id, t.attempt_id, t.collector, t.leased_until, t.report, t.answer, c.customer_id, c.case_id,
              c.channel, c.template, c.state, a.at
       FROM call_task t JOIN contact c USING (contact_id) JOIN customer k USING (customer_id)
            JOIN attempt a ON a.attempt_id = t.attempt_id
       WHERE t.contact_id = ANY(:contact_ids) ORDER BY t.contact_id FOR UPDATE""",
    contact_ids=TEXTS,
).columns(report=JSONB, answer=JSONB)
_REPORT = statement(
    """UPDATE call_task t SET report = r.report, answer = r.answer, leased_until = NULL
       FROM json_to_recordset(:rows) AS r (contact_id text, report jsonb, answer jsonb)
       WHERE t.contact_id = r.contact_id"""
)
_EXISTS = sa.text("SELECT 1 FROM customer WHERE customer_id = :customer_id FOR UPDATE")


async def release_expired(connection: AsyncConnection, now: datetime) -> None:
    """Reopen the tasks whose lease has run out."""
    await connection.execute(_RELEASE, {"now": now})


async def lease(connection: AsyncConnection, leases: Sequence[Lease]) -> None:
    """Write new leases."""
    await connection.execute(_LEASE, {"rows": leases})


async def lock(connection: AsyncConnection, contact_ids: Collection[str]) -> dict[str, Any]:
    """Tasks with their contact, customer and last attempt, locked; by contact id, those there are."""
    found = await connection.execute(_LOCK, {"contact_ids": sorted(contact_ids)})
    return {row.contact_id: row for row in found}


async def save_reports(connection: AsyncConnection, reports: Sequence[dict[str, Any]]) -> None:
    """Keep what was reported (contact_id, report, answer), and what it was answered with, for a repeat."""
    await connection.execute(_REPORT, {"rows": reports})


async def lock_customer(connection: AsyncConnection, customer_id: str) -> bool:
    """Lock the customer's row; whether there is one."""
    return (await connection.execute(_EXISTS, {"customer_id": customer_id})).first() is not None
