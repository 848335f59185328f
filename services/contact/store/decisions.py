"""The archive of the gate's decisions, each written in the one statement that also does what was decided.

So nothing is ever decided without a trace, or the other way round; and a decision costs one round trip.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.contact.domain.request import Request
from services.contact.domain.verdict import Decision
from services.contact.store.attempts import Attempt
from services.contact.store.sql import statement

Decided = tuple[Request, Decision]


@dataclass(frozen=True, slots=True)
class Occasion:
    """When and by what it was decided: `moment` is enqueue, dispatch or lease."""

    moment: str
    pack: str
    pack_hash: str


@dataclass(frozen=True, slots=True)
class Placed:
    """Where one contact stands after a decision."""

    contact_id: str
    state: str
    due_at: datetime
    awaiting: bool = False
    reason: str | None = None


_ARCHIVE = """INSERT INTO gate_decision (contact_id, customer_id, moment, decided_at, conclusion, rule, reason, until,
                                         pack, pack_hash, verdicts)
              SELECT contact_id, customer_id, :moment, decided_at, conclusion, rule, reason, until, :pack, :pack_hash,
                     verdicts
              FROM json_to_recordset(:decisions) AS r (contact_id text, customer_id text, decided_at timestamptz,
                   conclusion text, rule text, reason text, until timestamptz, verdicts jsonb)"""
# A contact id is taken once for ever: a repeat leaves no trace, and is left out of what is returned. A customer of whom
# core banking has said nothing gets a row, to be locked.
_PLAN = statement(
    f"""WITH stubs AS (
           INSERT INTO customer (customer_id) SELECT DISTINCT customer_id
           FROM json_to_recordset(:contacts) AS r (customer_id text) ORDER BY customer_id ON CONFLICT DO NOTHING),
       added AS (
           INSERT INTO contact (contact_id, customer_id, case_id, treatment_id, channel, template, purpose, accounts,
                                days_past_due, priority, requested_at, expires_at, state, due_at, awaiting, reason)
           SELECT * FROM json_to_recordset(:contacts) AS r (contact_id text, customer_id text, case_id text,
                treatment_id text, channel text, template text, purpose text, accounts jsonb, days_past_due integer,
                priority integer, requested_at timestamptz, expires_at timestamptz, state text, due_at timestamptz,
                awaiting boolean, reason text)
           ON CONFLICT DO NOTHING RETURNING contact_id),
       archived AS ({_ARCHIVE} WHERE contact_id IN (SELECT contact_id FROM added))
       SELECT contact_id FROM added""",  # noqa: S608  put together from this module's own constants
    decisions=sa.JSON, contacts=sa.JSON,
)  # fmt: skip
# A message's attempt id is its contact's for ever. It may be opened anew only when it certainly never left; a contact
# whose one attempt turns out to have been made before is left to a person.
_ACT = statement(
    f"""WITH archived AS ({_ARCHIVE}),
       opened AS (
           INSERT INTO attempt (attempt_id, contact_id, customer_id, channel, state, at, worker, sends, endpoint,
                                subject, body)
           SELECT attempt_id, contact_id, customer_id, channel, 'pending', at, worker, 1, endpoint, subject, body
           FROM json_to_recordset(:attempts) AS r (attempt_id text, contact_id text, customer_id text, channel text,
                at timestamptz, worker bigint, endpoint text, subject text, body text)
           ON CONFLICT (attempt_id) DO UPDATE
           SET state = 'pending', at = excluded.at, worker = excluded.worker, sends = attempt.sends + 1,
               endpoint = excluded.endpoint, subject = excluded.subject, body = excluded.body, reason = NULL
           WHERE attempt.state = 'not_sent'
           RETURNING attempt_id, contact_id),
       placed AS (
           SELECT contact_id, state, due_at, awaiting, reason
           FROM json_to_recordset(:placed) AS r (contact_id text, state text, due_at timestamptz, awaiting boolean,
                                                 reason text)
           UNION ALL
           SELECT r.contact_id, CASE WHEN o.attempt_id IS NULL THEN 'unknown' ELSE 'pending' END, r.at, false,
                  CASE WHEN o.attempt_id IS NULL THEN 'attempted_before' END
           FROM json_to_recordset(:attempts) AS r (attempt_id text, contact_id text, at timestamptz)
                LEFT JOIN opened o USING (attempt_id))
       UPDATE contact c SET state = p.state, due_at = p.due_at, awaiting = p.awaiting, reason = p.reason
       FROM placed p WHERE c.contact_id = p.contact_id RETURNING c.contact_id, c.state""",  # noqa: S608  as above
    decisions=sa.JSON, attempts=sa.JSON, placed=sa.JSON,
)  # fmt: skip


async def plan(
    connection: AsyncConnection, occasion: Occasion, decided: Iterable[Decided], placed: Sequence[Placed]
) -> set[str]:
    """Keep new requests where their first decisions place them (`placed`, in the same order); the ids of the new."""
    decided = list(decided)
    contacts = [_contact(request, place) for (request, _), place in zip(decided, placed, strict=True)]
    values = {**_archived(occasion, decided), "contacts": contacts}
    return {row.contact_id for row in await connection.execute(_PLAN, values)}


async def act(
    connection: AsyncConnection,
    occasion: Occasion,
    decided: Iterable[Decided],
    placed: Sequence[Placed],
    attempts: Sequence[Attempt],
) -> set[str]:
    """Place contacts that the caller holds locked, and open attempts of others; the contacts whose attempt may be made.

    Those are pending from now on.
    """
    values = {**_archived(occasion, decided), "placed": placed, "attempts": attempts}
    found = await connection.execute(_ACT, values)
    return {row.contact_id for row in found if row.state == "pending"}


def _archived(occasion: Occasion, decided: Iterable[Decided]) -> dict[str, Any]:
    """The archive's parameters: every decision with every rule's verdict."""
    decisions = [
        {
            "contact_id": request.contact_id, "customer_id": request.customer_id, "decided_at": decision.decided_at,
            "conclusion": decision.conclusion, "rule": decision.rule, "reason": decision.reason,
            "until": decision.until, "verdicts": decision.verdicts,
        }
        for request, decision in decided
    ]  # fmt: skip
    return {
        "moment": occasion.moment, "pack": occasion.pack, "pack_hash": occasion.pack_hash, "decisions": decisions
    }  # fmt: skip


def _contact(r: Request, place: Placed) -> dict[str, Any]:
    return {
        "contact_id": r.contact_id, "customer_id": r.customer_id, "case_id": r.case_id,
        "treatment_id": r.treatment_id, "channel": r.channel, "template": r.template, "purpose": r.purpose,
        "accounts": [(a.account_id, a.version) for a in r.accounts], "days_past_due": r.days_past_due,
        "priority": r.priority, "requested_at": r.requested_at, "expires_at": r.expires_at,
        "state": place.state, "due_at": place.due_at, "awaiting": place.awaiting, "reason": place.reason,
    }  # fmt: skip
