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

# What ends each statement that brings news of customers: the contacts that await news are due. Hardly any ever do, so
# that a statement of its own would cost far more than the index it looks into.
_REAWAKEN: Final = """UPDATE contact SET due_at = :now, awaiting = false
       WHERE state = 'planned' AND awaiting AND customer_id = ANY(:customer_ids) RETURNING contact_id"""
# The highest revision wins; a stub (null) loses to any.
_SAVE_CUSTOMERS = statement(
    f"""WITH saved AS (
           INSERT INTO customer (customer_id, revision, name, language, time_zone, region, endpoints)
           SELECT customer_id, revision, name, language, time_zone, region, endpoints
           FROM json_to_recordset(:rows) AS r (customer_id text, revision bigint, name text, language text,
                                               time_zone text, region text, endpoints jsonb)
           ON CONFLICT (customer_id) DO UPDATE
           SET revision = excluded.revision, name = excluded.name, language = excluded.language,
               time_zone = excluded.time_zone, region = excluded.region, endpoints = excluded.endpoints
           WHERE customer.revision IS NULL OR customer.revision < excluded.revision)
       {_REAWAKEN}""",  # noqa: S608  put together from this module's own constants
    now=INSTANT, customer_ids=TEXTS,
)  # fmt: skip
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
# is followed by an older one; between known accounts the version decides. A join, since EXISTS beside an OR reads the
# whole table for each batch.
_SAVE_BALANCES = statement(
    f"""WITH saved AS (
           INSERT INTO balance (account_id, customer_id, version, arrears_minor, currency)
           SELECT r.* FROM unnest(:account_ids, :customer_ids, :versions, :arrears, :currencies)
                AS r (account_id, customer_id, version, arrears_minor, currency)
                LEFT JOIN balance b ON b.account_id = r.account_id
           WHERE coalesce(b.version < r.version, r.arrears_minor > 0)
           ON CONFLICT (account_id) DO UPDATE
           SET version = excluded.version, arrears_minor = excluded.arrears_minor, currency = excluded.currency,
               customer_id = excluded.customer_id
           WHERE balance.version < excluded.version)
       {_REAWAKEN}""",  # noqa: S608  put together from this module's own constants
    now=INSTANT, account_ids=TEXTS, customer_ids=TEXTS, versions=BIGS, arrears=BIGS, currencies=TEXTS,
)  # fmt: skip
_ADD_PROMISES = statement(
    """INSERT INTO promise (promise_id, customer_id, case_id, contact_id, amount_minor, currency, due_on, made_at, open)
       SELECT r.*, true
       FROM json_to_recordset(:rows) AS r (promise_id text, customer_id text, case_id text, contact_id text,
                                           amount_minor bigint, currency text, due_on date, made_at timestamptz)
       ON CONFLICT DO NOTHING"""
)
_CLOSE_PROMISES = statement(
    """UPDATE promise SET open = false
       WHERE open AND customer_id = ANY(:customer_ids)
             AND (promise_id = ANY(:promise_ids) OR case_id = ANY(:case_ids))""",
    customer_ids=TEXTS, promise_ids=TEXTS, case_ids=TEXTS,
)  # fmt: skip
# Everything the gate asks about, one row a customer, known to core banking or not. An attempt that certainly never left
# counts for nothing.
_LOAD_CUSTOMERS = statement(
    """SELECT customer_id, c.revision, c.name, c.language, c.time_zone, c.region, c.endpoints,
              (SELECT jsonb_agg(jsonb_build_array(k.channel, k.endpoint, k.given, k.effective_at))
               FROM consent k WHERE k.customer_id = asked.customer_id) AS consents,
              (SELECT jsonb_agg(jsonb_build_array(h.kind, h.until_on) ORDER BY h.hold_id)
               FROM hold h WHERE h.customer_id = asked.customer_id AND NOT h.released) AS holds,
              (SELECT jsonb_agg(jsonb_build_array(p.promise_id, p.due_on) ORDER BY p.promise_id)
               FROM promise p WHERE p.customer_id = asked.customer_id AND p.open) AS promises,
              (SELECT jsonb_agg(jsonb_build_array(b.account_id, b.version, b.arrears_minor, b.currency))
               FROM balance b WHERE b.customer_id = asked.customer_id) AS balances,
              (SELECT jsonb_agg(jsonb_build_array(a.channel, a.at, coalesce(a.outcome, a.state)))
               FROM attempt a
               WHERE a.customer_id = asked.customer_id AND a.at > :since AND a.state <> 'not_sent') AS attempts
       FROM unnest(:customer_ids) AS asked (customer_id) LEFT JOIN customer c USING (customer_id)""",
    customer_ids=TEXTS, since=INSTANT,
).columns(endpoints=JSONB, consents=JSONB, holds=JSONB, promises=JSONB, balances=JSONB, attempts=JSONB)  # fmt: skip


async def save_customers(connection: AsyncConnection, profiles: Collection[Profile], now: datetime) -> bool:
    """Keep the highest revision of each; contacts that await news of them are due, and whether there were any."""
    rows = [
        {
            "customer_id": p.customer_id, "revision": p.revision, "name": p.name, "language": p.language,
            "time_zone": p.time_zone, "region": p.region, "endpoints": [(e.kind, e.value) for e in p.endpoints],
        }
        for p in profiles
    ]  # fmt: skip
    values = {"rows": rows, "customer_ids": [p.customer_id for p in profiles], "now": now}
    return (await connection.execute(_SAVE_CUSTOMERS, values)).first() is not None


async def save_consents(connection: AsyncConnection, statements: Collection[Statement]) -> list[Statement]:
    """Keep the last word on each channel and endpoint; those that changed something."""
    found = await connection.execute(_SAVE_CONSENTS, {"rows": list(statements)})
    return [Statement(*row) for row in found]


async def save_holds(connection: AsyncConnection, holds: Collection[Held]) -> None:
    """Keep holds placed and released."""
    await connection.execute(_SAVE_HOLDS, {"rows": list(holds)})


async def save_balances(connection: AsyncConnection, owed: Collection[Owed], now: datetime) -> bool:
    """Keep the newest balance of each account that owes or once owed; one row an account.

    Contacts that await news of their customers are due; whether there were any.
    """
    found = await connection.execute(
        _SAVE_BALANCES,
        {
            "now": now,
            "account_ids": [o.account_id for o in owed],
            "customer_ids": [o.customer_id for o in owed],
            "versions": [o.version for o in owed],
            "arrears": [o.arrears_minor for o in owed],
            "currencies": [o.currency for o in owed],
        },
    )
    return found.first() is not None


async def add_promises(connection: AsyncConnection, promises: Sequence[dict[str, Any]]) -> None:
    """Keep promises just made (the table's columns but `open`)."""
    await connection.execute(_ADD_PROMISES, {"rows": promises})


async def close_promises(
    connection: AsyncConnection, customer_ids: Collection[str], promise_ids: Sequence[str], case_ids: Sequence[str]
) -> None:
    """Of these customers' promises, these and all of these cases are no longer open."""
    values = {"customer_ids": list(customer_ids), "promise_ids": promise_ids, "case_ids": case_ids}
    await connection.execute(_CLOSE_PROMISES, values)


async def load_customers(
    connection: AsyncConnection, customer_ids: Collection[str], now: datetime
) -> dict[str, Customer]:
    """All that is known of each customer, be it nothing."""
    since = max(now, _EARLIEST) - timedelta(days=HISTORY_DAYS)
    found = await connection.execute(_LOAD_CUSTOMERS, {"customer_ids": sorted(customer_ids), "since": since})
    return {row.customer_id: _customer(row) for row in found}


_EARLIEST: Final = datetime.fromisoformat("1900-03-01T00:00:00+00:00")


def _customer(row: Any) -> Customer:
    instant = datetime.fromisoformat
    return Customer(
        row.customer_id,
        row.revision,
        row.name or "",
        row.language or "",
        row.time_zone,
        row.region,
        tuple(Endpoint(kind, value) for kind, value in row.endpoints or ()),
        tuple(Consent(channel, to or None, given, instant(at)) for channel, to, given, at in row.consents or ()),
        tuple(Hold(kind, date.fromisoformat(until) if until else None) for kind, until in row.holds or ()),
        tuple(OpenPromise(promise, date.fromisoformat(due)) for promise, due in row.promises or ()),
        {account: Balance(version, arrears, currency) for account, version, arrears, currency in row.balances or ()},
        tuple(PastAttempt(channel, instant(at), outcome) for channel, at, outcome in row.attempts or ()),
    )
