"""What contact keeps of others' facts: customers, consents, holds, promises, balances."""

from collections.abc import Collection, Sequence
from datetime import date, datetime, timedelta
from typing import Any, Final

from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncConnection

from services.contact.domain.facts import Held, Owed, Profile, Statement
from services.contact.domain.known import Balance, Consent, Customer, Endpoint, Hold, OpenPromise, PastAttempt
from services.contact.store.sql import BIGS, INSTANT, TEXTS, statement

HISTORY_DAYS: Final = 32
"""How far back attempts are loaded: one day more than the longest frequency period a pack may ask for."""

# The highest revision wins; a stub (null) loses to any.
_SAVE_CUSTOMERS = statement(
    """INSERT INTO customer (customer_id, revision, name, language, time_zone, region, endpoints)
       SELECT customer_id, revision, name, language, time_zone, region, endpoints
       FROM json_to_recordset(:rows) AS r (customer_id text, revision bigint, name text, language text,
                                           time_zone text, region text, endpoints jsonb)
       ON CONFLICT (customer_id) DO UPDATE
       SET revision = excluded.revision, name = excluded.name, language = excluded.language,
           time_zone = excluded.time_zone, region = excluded.region, endpoints = excluded.endpoints
       WHERE customer.revision IS NULL OR customer.revision < excluded.revision"""
)
# A row to lock, for a customer who is to be contacted before core banking has said anything of them.
_ADD_STUBS = statement(
    "INSERT INTO customer (customer_id) SELECT unnest(:customer_ids) ON CONFLICT DO NOTHING", customer_ids=TEXTS
)
# The latest statement wins, an opt-out among equals. Returns what changed.
_SAVE_CONSENTS = statement(
    """INSERT INTO consent (customer_id, channel, endpoint, given, effective_at)
       SELECT customer_id, channel, endpoint, given, effective_at
       FROM json_to_recordset(:rows) AS r (customer_id text, channel text, endpoint text, given boolean,
                                           effective_at timestamptz)
       ON CONFLICT (customer_id, channel, endpoint) DO UPDATE
       SET given = excluded.given, effective_at = excluded.effective_at
       WHERE (consent.effective_at, NOT consent.given) < (excluded.effective_at, NOT excluded.given)
       RETURNING customer_id, channel, endpoint, given, effective_at"""
)
# A release is final: the placing of a hold already released changes nothing.
_SAVE_HOLDS = statement(
    """INSERT INTO hold (hold_id, customer_id, kind, until_on, released)
       SELECT hold_id, customer_id, kind, until_on, released
       FROM json_to_recordset(:rows) AS r (hold_id text, customer_id text, kind text, until_on date, released boolean)
       ON CONFLICT (hold_id) DO UPDATE
       SET released = true WHERE excluded.released AND NOT hold.released"""
)
# An account that owes nothing gets a row only if it has one: most accounts never fall into arrears, and each of their
# repayments comes by here. Statuses of one account arrive in order (the relay's sequence), so none that is dropped
# is followed by an older one; between known accounts the version decides.
_SAVE_BALANCES = statement(
    """INSERT INTO balance (account_id, customer_id, version, arrears_minor, currency)
       SELECT r.* FROM unnest(:account_ids, :customer_ids, :versions, :arrears, :currencies)
            AS r (account_id, customer_id, version, arrears_minor, currency)
       WHERE r.arrears_minor > 0 OR EXISTS (SELECT FROM balance b WHERE b.account_id = r.account_id)
       ON CONFLICT (account_id) DO UPDATE
       SET version = excluded.version, arrears_minor = excluded.arrears_minor, currency = excluded.currency,
           customer_id = excluded.customer_id
       WHERE balance.version < excluded.version""",
    account_ids=TEXTS, customer_ids=TEXTS, versions=BIGS, arrears=BIGS, currencies=TEXTS,
)  # fmt: skip
_ADD_PROMISES = statement(
    """INSERT INTO promise (promise_id, customer_id, case_id, contact_id, amount_minor, currency, due_on, made_at, open)
       SELECT r.*, true
       FROM json_to_recordset(:rows) AS r (promise_id text, customer_id text, case_id text, contact_id text,
                                           amount_minor bigint, currency text, due_on date, made_at timestamptz)
       ON CONFLICT DO NOTHING"""
)
_CLOSE_PROMISES = statement(
    "UPDATE promise SET open = false WHERE open AND (promise_id = ANY(:promise_ids) OR case_id = ANY(:case_ids))",
    promise_ids=TEXTS, case_ids=TEXTS,
)  # fmt: skip
# Everything the gate asks about, one row a customer. An attempt that certainly never left counts for nothing.
_LOAD_CUSTOMERS = statement(
    """SELECT c.customer_id, c.revision, c.name, c.language, c.time_zone, c.region, c.endpoints,
              (SELECT jsonb_agg(jsonb_build_array(k.channel, k.endpoint, k.given, k.effective_at))
               FROM consent k WHERE k.customer_id = c.customer_id) AS consents,
              (SELECT jsonb_agg(jsonb_build_array(h.kind, h.until_on) ORDER BY h.hold_id)
               FROM hold h WHERE h.customer_id = c.customer_id AND NOT h.released) AS holds,
              (SELECT jsonb_agg(jsonb_build_array(p.promise_id, p.due_on) ORDER BY p.promise_id)
               FROM promise p WHERE p.customer_id = c.customer_id AND p.open) AS promises,
              (SELECT jsonb_agg(jsonb_build_array(b.account_id, b.version, b.arrears_minor, b.currency))
               FROM balance b WHERE b.customer_id = c.customer_id) AS balances,
              (SELECT jsonb_agg(jsonb_build_array(a.channel, a.at, coalesce(a.outcome, a.state)))
               FROM attempt a
               WHERE a.customer_id = c.customer_id AND a.at > :since AND a.state <> 'not_sent') AS attempts
       FROM customer c WHERE c.customer_id = ANY(:customer_ids)""",
    customer_ids=TEXTS, since=INSTANT,
).columns(endpoints=JSONB, consents=JSONB, holds=JSONB, promises=JSONB, balances=JSONB, attempts=JSONB)  # fmt: skip


async def save_customers(connection: AsyncConnection, profiles: Collection[Profile]) -> None:
    """Keep the highest revision of each."""
    rows = [
        {
            "customer_id": p.customer_id, "revision": p.revision, "name": p.name, "language": p.language,
            "time_zone": p.time_zone, "region": p.region, "endpoints": [(e.kind, e.value) for e in p.endpoints],
        }
        for p in profiles
    ]  # fmt: skip
    await connection.execute(_SAVE_CUSTOMERS, {"rows": rows})


async def add_stubs(connection: AsyncConnection, customer_ids: Collection[str]) -> None:
    """Make sure that each of them has a row to lock."""
    await connection.execute(_ADD_STUBS, {"customer_ids": sorted(customer_ids)})


async def save_consents(connection: AsyncConnection, statements: Collection[Statement]) -> list[Statement]:
    """Keep the last word on each channel and endpoint; those that changed something."""
    found = await connection.execute(_SAVE_CONSENTS, {"rows": list(statements)})
    return [Statement(*row) for row in found]


async def save_holds(connection: AsyncConnection, holds: Collection[Held]) -> None:
    """Keep holds placed and released."""
    await connection.execute(_SAVE_HOLDS, {"rows": list(holds)})


async def save_balances(connection: AsyncConnection, owed: Collection[Owed]) -> None:
    """Keep the newest balance of each account that owes or once owed; one row an account."""
    await connection.execute(
        _SAVE_BALANCES,
        {
            "account_ids": [o.account_id for o in owed],
            "customer_ids": [o.customer_id for o in owed],
            "versions": [o.version for o in owed],
            "arrears": [o.arrears_minor for o in owed],
            "currencies": [o.currency for o in owed],
        },
    )


async def add_promises(connection: AsyncConnection, promises: Sequence[dict[str, Any]]) -> None:
    """Keep promises just made (the table's columns but `open`)."""
    await connection.execute(_ADD_PROMISES, {"rows": promises})


async def close_promises(connection: AsyncConnection, promise_ids: Sequence[str], case_ids: Sequence[str]) -> None:
    """These promises, and all of these cases, are no longer open."""
    await connection.execute(_CLOSE_PROMISES, {"promise_ids": promise_ids, "case_ids": case_ids})


async def load_customers(
    connection: AsyncConnection, customer_ids: Collection[str], now: datetime
) -> dict[str, Customer]:
    """All that is known of each customer that has a row."""
    since = max(now, _EARLIEST) - timedelta(days=HISTORY_DAYS)
    found = await connection.execute(_LOAD_CUSTOMERS, {"customer_ids": sorted(customer_ids), "since": since})
    return {row.customer_id: _customer(row) for row in found}


_EARLIEST: Final = datetime.fromisoformat("1900-03-01T00:00:00+00:00")


def _customer(row: Any) -> Customer:
    instant = datetime.fromisoformat
    return Customer(
        row.customer_id,
        row.revision,
        row.name,
        row.language,
        row.time_zone,
        row.region,
        tuple(Endpoint(kind, value) for kind, value in row.endpoints),
        tuple(Consent(channel, to or None, given, instant(at)) for channel, to, given, at in row.consents or ()),
        tuple(Hold(kind, date.fromisoformat(until) if until else None) for kind, until in row.holds or ()),
        tuple(OpenPromise(promise, date.fromisoformat(due)) for promise, due in row.promises or ()),
        {account: Balance(version, arrears, currency) for account, version, arrears, currency in row.balances or ()},
        tuple(PastAttempt(channel, instant(at), outcome) for channel, at, outcome in row.attempts or ()),
    )
