"""Requests and what became of them."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncConnection

from services.contact.domain.facts import Withdrawal
from services.contact.domain.request import OwedAccount, Request
from services.contact.store.sql import INSTANT, TEXTS, statement

_WITHDRAW = statement(
    """UPDATE contact c SET state = 'withdrawn', reason = r.reason
       FROM json_to_recordset(:rows) AS r (contact_id text, reason text)
       WHERE c.contact_id = r.contact_id AND c.state = 'planned'
       RETURNING c.contact_id, c.customer_id, c.case_id, c.channel, c.reason"""
)
# Messages that are due; calls wait for a collector and come by here only to expire.
_DUE_CONTACTS = statement(
    """SELECT contact_id, customer_id FROM contact
       WHERE state = 'planned' AND due_at <= :now AND (channel = ANY(:channels) OR expires_at <= :now)
       ORDER BY due_at, priority DESC, contact_id LIMIT :rows_max""",
    now=INSTANT, channels=TEXTS,
)  # fmt: skip
_DUE_CALLS = statement(
    """SELECT c.contact_id, c.customer_id, coalesce(t.leases, 0) AS leases
       FROM contact c LEFT JOIN call_task t USING (contact_id)
       WHERE c.state = 'planned' AND c.channel = 'call' AND c.due_at <= :now
       ORDER BY c.priority DESC, c.due_at, c.contact_id LIMIT :rows_max""",
    now=INSTANT,
)
# Whoever else works on the contact or its customer at this moment keeps them; the next round sees them again.
_LOCK = statement(
    """SELECT c.contact_id, c.customer_id, c.case_id, c.channel, c.template, c.purpose, c.accounts, c.requested_at,
              c.expires_at, c.days_past_due, c.priority, c.treatment_id
       FROM contact c JOIN customer k USING (customer_id)
       WHERE c.contact_id = ANY(:contact_ids) AND c.state = 'planned'
       ORDER BY c.contact_id FOR UPDATE OF c, k SKIP LOCKED""",
    contact_ids=TEXTS,
).columns(accounts=JSONB)
_SHOW = statement(
    """SELECT contact_id, customer_id, case_id, treatment_id, channel, template, purpose, days_past_due, priority,
              requested_at, expires_at, state, due_at, awaiting, reason
       FROM contact WHERE contact_id = :contact_id OR customer_id = :customer_id
       ORDER BY requested_at DESC, contact_id LIMIT :rows_max"""
)
_SHOW_ATTEMPTS = statement(
    """SELECT attempt_id, contact_id, channel, state, at, sends, endpoint, subject, body, provider_id, outcome, reason
       FROM attempt WHERE contact_id = ANY(:contact_ids) ORDER BY at, attempt_id""",
    contact_ids=TEXTS,
)
_SHOW_DECISIONS = statement(
    """SELECT decision_id, contact_id, moment, decided_at, recorded_at, conclusion, rule, reason, until, pack,
              pack_hash, verdicts
       FROM gate_decision WHERE contact_id = ANY(:contact_ids) ORDER BY decision_id""",
    contact_ids=TEXTS,
).columns(verdicts=JSONB)
_PENDING = statement(
    """SELECT (SELECT count(*) FROM contact
               WHERE state = 'planned' AND due_at <= :now AND (channel = ANY(:channels) OR expires_at <= :now)
              ) AS contacts_due,
              (SELECT count(*) FROM attempt WHERE state = 'pending' AND worker IS NOT NULL) AS attempts_in_flight,
              (SELECT count(*) FROM attempt
               WHERE state = 'unknown' AND channel = ANY(:resolvable)) AS attempts_unknown""",
    now=INSTANT, channels=TEXTS, resolvable=TEXTS,
)  # fmt: skip


async def withdraw(connection: AsyncConnection, withdrawals: Collection[Withdrawal]) -> Sequence[Any]:
    """Withdraw what is still planned; contact_id, customer_id, case_id, channel and reason of each such."""
    return (await connection.execute(_WITHDRAW, {"rows": list(withdrawals)})).all()


async def due(connection: AsyncConnection, channels: Sequence[str], now: datetime, rows_max: int) -> Sequence[Any]:
    """(contact_id, customer_id) of what is due, most urgent first; not locked."""
    values = {"now": now, "channels": list(channels), "rows_max": rows_max}
    return (await connection.execute(_DUE_CONTACTS, values)).all()


async def due_calls(connection: AsyncConnection, now: datetime, rows_max: int) -> Sequence[Any]:
    """(contact_id, customer_id, leases had before) of calls that may be made now, most urgent first; not locked.

    Leases change only on the command shard, so for whoever holds it they stay what they are.
    """
    return (await connection.execute(_DUE_CALLS, {"now": now, "rows_max": rows_max})).all()


async def lock(connection: AsyncConnection, contact_ids: Sequence[str]) -> dict[str, Request]:
    """Lock contacts still planned, and their customers; what somebody else holds is left out."""
    found = await connection.execute(_LOCK, {"contact_ids": list(contact_ids)})
    return {row.contact_id: _request(row) for row in found}


def _request(row: Any) -> Request:
    accounts = tuple(OwedAccount(account_id, version) for account_id, version in row.accounts)
    return Request(
        row.contact_id, row.customer_id, row.case_id, row.channel, row.template, row.purpose, accounts,
        row.requested_at, row.expires_at, row.days_past_due, row.priority, row.treatment_id,
    )  # fmt: skip


async def show(
    connection: AsyncConnection, *, contact_id: str | None = None, customer_id: str | None = None, rows_max: int = 1
) -> list[dict[str, Any]]:
    """Contacts with their attempts and every decision on them, newest first, for those who ask why."""
    found = await connection.execute(
        _SHOW, {"contact_id": contact_id, "customer_id": customer_id, "rows_max": rows_max}
    )
    contacts = {row.contact_id: dict(row._mapping) | {"attempts": [], "decisions": []} for row in found}
    for name, query in (("attempts", _SHOW_ATTEMPTS), ("decisions", _SHOW_DECISIONS)):
        for row in await connection.execute(query, {"contact_ids": list(contacts)}):
            contacts[row.contact_id][name].append(dict(row._mapping))
    return list(contacts.values())


async def pending(
    connection: AsyncConnection, channels: Sequence[str], resolvable: Sequence[str], now: datetime
) -> dict[str, int]:
    """What a quiet dispatcher has none of; unknown attempts that only a person can resolve are not counted."""
    values = {"now": now, "channels": list(channels), "resolvable": list(resolvable)}
    found = await connection.execute(_PENDING, values)
    return dict(found.one()._mapping)
