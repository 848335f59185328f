"""Requests and what became of them, and the archive of the gate's decisions."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncConnection

from services.contact.domain.facts import Withdrawal
from services.contact.domain.request import OwedAccount, Request
from services.contact.domain.verdict import Decision
from services.contact.store.sql import INSTANT, TEXTS, statement


@dataclass(frozen=True, slots=True)
class Placed:
    """Where one contact stands after a decision."""

    contact_id: str
    state: str
    due_at: datetime
    awaiting: bool = False
    reason: str | None = None


# A contact id is taken once for ever: a repeat is left out of what is returned.
_ADD = statement(
    """INSERT INTO contact (contact_id, customer_id, case_id, treatment_id, channel, template, purpose, accounts,
                            days_past_due, priority, requested_at, expires_at, state, due_at, awaiting)
       SELECT contact_id, customer_id, case_id, treatment_id, channel, template, purpose, accounts,
              days_past_due, priority, requested_at, expires_at, 'planned', requested_at, false
       FROM json_to_recordset(:rows) AS r (contact_id text, customer_id text, case_id text, treatment_id text,
            channel text, template text, purpose text, accounts jsonb, days_past_due integer, priority integer,
            requested_at timestamptz, expires_at timestamptz)
       ON CONFLICT DO NOTHING RETURNING contact_id"""
)
_PLACE = statement(
    """UPDATE contact c SET state = r.state, due_at = r.due_at, awaiting = r.awaiting, reason = r.reason
       FROM json_to_recordset(:rows) AS r (contact_id text, state text, due_at timestamptz, awaiting boolean,
                                           reason text)
       WHERE c.contact_id = r.contact_id"""
)
_WITHDRAW = statement(
    """UPDATE contact c SET state = 'withdrawn', reason = r.reason
       FROM json_to_recordset(:rows) AS r (contact_id text, reason text)
       WHERE c.contact_id = r.contact_id AND c.state = 'planned'
       RETURNING c.contact_id, c.customer_id, c.case_id, c.channel, c.reason"""
)
_REAWAKEN = statement(
    """UPDATE contact SET due_at = :now, awaiting = false
       WHERE state = 'planned' AND awaiting AND customer_id = ANY(:customer_ids) RETURNING contact_id""",
    now=INSTANT, customer_ids=TEXTS,
)  # fmt: skip
# Messages that are due; calls wait for a collector and come by here only to expire.
_DUE_CONTACTS = statement(
    """SELECT contact_id, customer_id FROM contact
       WHERE state = 'planned' AND due_at <= :now AND (channel = ANY(:channels) OR expires_at <= :now)
       ORDER BY due_at, priority DESC, contact_id LIMIT :rows_max""",
    now=INSTANT, channels=TEXTS,
)  # fmt: skip
_DUE_CALLS = statement(
    """SELECT contact_id, customer_id FROM contact
       WHERE state = 'planned' AND channel = 'call' AND due_at <= :now
       ORDER BY priority DESC, due_at, contact_id LIMIT :rows_max""",
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
_ARCHIVE = statement(
    """INSERT INTO gate_decision (contact_id, customer_id, moment, decided_at, conclusion, rule, reason, until, pack,
                                  pack_hash, verdicts)
       SELECT contact_id, customer_id, :moment, decided_at, conclusion, rule, reason, until, :pack, :pack_hash, verdicts
       FROM json_to_recordset(:rows) AS r (contact_id text, customer_id text, decided_at timestamptz, conclusion text,
                                           rule text, reason text, until timestamptz, verdicts jsonb)"""
)
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


async def add(connection: AsyncConnection, requests: Collection[Request]) -> set[str]:
    """Keep new requests as planned; the ids of those not seen before."""
    rows = [
        {
            "contact_id": r.contact_id, "customer_id": r.customer_id, "case_id": r.case_id,
            "treatment_id": r.treatment_id, "channel": r.channel, "template": r.template, "purpose": r.purpose,
            "accounts": [(a.account_id, a.version) for a in r.accounts], "days_past_due": r.days_past_due,
            "priority": r.priority, "requested_at": r.requested_at, "expires_at": r.expires_at,
        }
        for r in requests
    ]  # fmt: skip
    return {row.contact_id for row in await connection.execute(_ADD, {"rows": rows})}


async def place(connection: AsyncConnection, placed: Sequence[Placed]) -> None:
    """Write where contacts stand; the caller holds them locked or has just added them."""
    await connection.execute(_PLACE, {"rows": placed})


async def withdraw(connection: AsyncConnection, withdrawals: Collection[Withdrawal]) -> Sequence[Any]:
    """Withdraw what is still planned; contact_id, customer_id, case_id, channel and reason of each such."""
    return (await connection.execute(_WITHDRAW, {"rows": list(withdrawals)})).all()


async def reawaken(connection: AsyncConnection, customer_ids: Iterable[str], now: datetime) -> bool:
    """Contacts awaiting news of these customers are due now; whether there were any."""
    found = await connection.execute(_REAWAKEN, {"customer_ids": list(customer_ids), "now": now})
    return found.first() is not None


async def due(connection: AsyncConnection, channels: Sequence[str], now: datetime, rows_max: int) -> Sequence[Any]:
    """(contact_id, customer_id) of what is due, most urgent first; not locked."""
    values = {"now": now, "channels": list(channels), "rows_max": rows_max}
    return (await connection.execute(_DUE_CONTACTS, values)).all()


async def due_calls(connection: AsyncConnection, now: datetime, rows_max: int) -> Sequence[Any]:
    """(contact_id, customer_id) of calls that may be made now, most urgent first; not locked."""
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


async def archive(
    connection: AsyncConnection, moment: str, pack: str, pack_hash: str, decided: Iterable[tuple[Request, Decision]]
) -> None:
    """Append decisions with every rule's verdict."""
    rows = [
        {
            "contact_id": request.contact_id, "customer_id": request.customer_id, "decided_at": decision.decided_at,
            "conclusion": decision.conclusion, "rule": decision.rule, "reason": decision.reason,
            "until": decision.until, "verdicts": decision.verdicts,
        }
        for request, decision in decided
    ]  # fmt: skip
    await connection.execute(_ARCHIVE, {"moment": moment, "pack": pack, "pack_hash": pack_hash, "rows": rows})


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
