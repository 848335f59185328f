"""Ingest's SQL: claim facts by their keys, load and save whole batches of accounts, find what is due at a day close."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from services.ingest.tables import AccountRow, FactRow, Key, ShardDay


def _arrays(**types: Any) -> list[sa.BindParameter[Any]]:
    return [sa.bindparam(name, type_=ARRAY(kind)) for name, kind in types.items()]


# The primary key refuses what is there; what comes back was new. The order of the input is the order of arrival.
_CLAIM = sa.text(
    """INSERT INTO fact (account_id, kind, key, body, currency, event_id, recorded_at)
       SELECT f.account_id, f.kind, f.key, f.body, f.currency, f.event_id, f.recorded_at
       FROM unnest(:account_ids, :kinds, :keys, :bodies, :currencies, :event_ids, :recorded)
            WITH ORDINALITY AS f (account_id, kind, key, body, currency, event_id, recorded_at, place)
       ORDER BY f.place
       ON CONFLICT (account_id, kind, key) DO NOTHING
       RETURNING account_id, kind, key"""
).bindparams(
    *_arrays(
        account_ids=sa.Text,
        kinds=sa.Text,
        keys=sa.Text,
        bodies=sa.Text,
        currencies=sa.Text,
        event_ids=sa.Text,
        recorded=sa.DateTime(timezone=True),
    )
)
_BODIES = sa.text(
    """SELECT f.account_id, f.kind, f.key, f.body
       FROM unnest(:account_ids, :kinds, :keys) AS k (account_id, kind, key)
       JOIN fact f USING (account_id, kind, key)"""
).bindparams(*_arrays(account_ids=sa.Text, kinds=sa.Text, keys=sa.Text))
_LOAD = sa.text("SELECT account_id, folded, currency FROM account WHERE account_id = ANY(:account_ids)").bindparams(
    *_arrays(account_ids=sa.Text)
)
_SAVE = sa.text(
    """INSERT INTO account (account_id, shard, folded, waiting, customer_id, product, currency, policy, state, bucket,
                            arrears_minor, exposure_minor, version, next_transition_on)
       SELECT * FROM unnest(:account_ids, :shards, :folded, :waiting, :customers, :products, :currencies, :policies,
                            :states, :buckets, :arrears, :exposures, :versions, :transitions)
       ON CONFLICT (account_id) DO UPDATE SET
           folded = excluded.folded, waiting = excluded.waiting, customer_id = excluded.customer_id,
           product = excluded.product, currency = excluded.currency, policy = excluded.policy, state = excluded.state,
           bucket = excluded.bucket, arrears_minor = excluded.arrears_minor,
           exposure_minor = excluded.exposure_minor, version = excluded.version,
           next_transition_on = excluded.next_transition_on"""
).bindparams(
    *_arrays(
        account_ids=sa.Text,
        shards=sa.Integer,
        folded=sa.Text,
        waiting=sa.Integer,
        customers=sa.Text,
        products=sa.Text,
        currencies=sa.Text,
        policies=sa.Text,
        states=sa.Text,
        buckets=sa.Text,
        arrears=sa.BigInteger,
        exposures=sa.BigInteger,
        versions=sa.BigInteger,
        transitions=sa.Date,
    )
)
_HISTORY = sa.text(
    """SELECT account_id, kind, key, body, currency, event_id, recorded_at FROM fact
       WHERE account_id = ANY(:account_ids) ORDER BY arrival"""
).bindparams(*_arrays(account_ids=sa.Text))
_DUE = sa.text(
    """SELECT account_id, folded, currency FROM account
       WHERE shard = :shard AND next_transition_on <= :day ORDER BY account_id LIMIT :accounts_max"""
)
_SHARD_DAY = sa.text("SELECT closed_to, aged_to, to_close FROM shard_day WHERE shard = :shard")
_SET_SHARD_DAY = sa.text(
    """INSERT INTO shard_day (shard, closed_to, aged_to, to_close) VALUES (:shard, :closed_to, :aged_to, :to_close)
       ON CONFLICT (shard) DO UPDATE SET
           closed_to = excluded.closed_to, aged_to = excluded.aged_to, to_close = excluded.to_close"""
).bindparams(sa.bindparam("to_close", type_=ARRAY(sa.Date)))
_ONE = sa.text(
    """SELECT a.folded, a.version, d.aged_to FROM account a LEFT JOIN shard_day d USING (shard)
       WHERE a.account_id = :account_id"""
)
_PORTFOLIO = sa.text(
    """SELECT currency, bucket, state, count(*) AS accounts, sum(arrears_minor)::bigint AS arrears_minor,
              sum(exposure_minor)::bigint AS exposure_minor
       FROM account WHERE currency IS NOT NULL GROUP BY currency, bucket, state ORDER BY currency, bucket, state"""
)
_WAITING = sa.text("SELECT coalesce(sum(waiting), 0)::bigint FROM account WHERE currency IS NULL")
_FACTS = sa.text("SELECT kind, count(*) AS facts FROM fact GROUP BY kind ORDER BY kind")


def _columns(rows: Iterable[tuple[Any, ...]], names: Sequence[str]) -> dict[str, list[Any]]:
    return dict(zip(names, map(list, zip(*rows, strict=True)), strict=True))


async def claim(connection: AsyncConnection, rows: Sequence[FactRow]) -> set[Key]:
    """Store the facts that are new; their keys. Keys must be distinct within `rows`."""
    names = ("account_ids", "kinds", "keys", "bodies", "currencies", "event_ids", "recorded")
    return {(r[0], r[1], r[2]) for r in await connection.execute(_CLAIM, _columns(rows, names))}


async def bodies(connection: AsyncConnection, keys: Sequence[Key]) -> dict[Key, str]:
    """What is stored under keys that were refused."""
    found = await connection.execute(_BODIES, _columns(keys, ("account_ids", "kinds", "keys")))
    return {(r[0], r[1], r[2]): r[3] for r in found}


async def load(connection: AsyncConnection, account_ids: Iterable[str]) -> dict[str, tuple[str, str | None]]:
    """Folded ledger and currency of the accounts that have a row."""
    found = await connection.execute(_LOAD, {"account_ids": list(account_ids)})
    return {r[0]: (r[1], r[2]) for r in found}


async def save(connection: AsyncConnection, rows: Sequence[AccountRow]) -> None:
    """Write whole accounts in one statement."""
    names = (
        "account_ids", "shards", "folded", "waiting", "customers", "products", "currencies", "policies", "states",
        "buckets", "arrears", "exposures", "versions", "transitions",
    )  # fmt: skip
    await connection.execute(_SAVE, _columns(rows, names))


async def history(connection: AsyncConnection, account_ids: Iterable[str]) -> dict[str, list[FactRow]]:
    """All stored facts of the accounts, in order of arrival."""
    found: dict[str, list[FactRow]] = {}
    for row in await connection.execute(_HISTORY, {"account_ids": list(account_ids)}):
        found.setdefault(row[0], []).append(FactRow(*row))
    return found


async def due(connection: AsyncConnection, shard: int, day: date, accounts_max: int) -> dict[str, tuple[str, str]]:
    """Accounts of the shard that would change by that day, at most so many."""
    found = await connection.execute(_DUE, {"shard": shard, "day": day, "accounts_max": accounts_max})
    return {r[0]: (r[1], r[2]) for r in found}


async def shard_day(connection: AsyncConnection, shard: int) -> ShardDay | None:
    """How far the shard is; None before the first close."""
    row = (await connection.execute(_SHARD_DAY, {"shard": shard})).first()
    return ShardDay(row[0], row[1], tuple(row[2])) if row else None


async def set_shard_day(connection: AsyncConnection, shard: int, day: ShardDay) -> None:
    """Note how far the shard is."""
    await connection.execute(_SET_SHARD_DAY, {"shard": shard, **day._asdict(), "to_close": list(day.to_close)})


async def one(connection: AsyncConnection, account_id: str) -> Mapping[str, Any] | None:
    """One account's stored row."""
    row = (await connection.execute(_ONE, {"account_id": account_id})).first()
    return row._mapping if row else None  # type: ignore[return-value]  # a row mapping is a mapping by name


async def portfolio(connection: AsyncConnection) -> list[dict[str, Any]]:
    """Totals per currency, bucket and state."""
    return [dict(row._mapping) for row in await connection.execute(_PORTFOLIO)]


async def fact_counts(connection: AsyncConnection) -> tuple[dict[str, int], int]:
    """Stored facts by kind, and how many wait for their account to be opened."""
    kinds = {r[0]: r[1] for r in await connection.execute(_FACTS)}
    return kinds, (await connection.execute(_WAITING)).scalar_one()
