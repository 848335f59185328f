"""Ingest's SQL: claim facts by their keys, load and save whole batches of accounts, find what is due at a day close."""

from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from services.ingest.tables import AccountRow, FactRow, Key, Loaded, ShardDay, Standing, Status


def _arrays(**types: Any) -> list[sa.BindParameter[Any]]:
    return [sa.bindparam(name, type_=ARRAY(kind)) for name, kind in types.items()]


# The primary key refuses what is there. The order of the input is the order of arrival. Nearly always all are new, and
# then none of the keys need come back.
_CLAIM = sa.text(
    """WITH new AS (
       INSERT INTO fact (account_id, kind, key, body, currency, event_id, recorded_at, known_at)
       SELECT f.account_id, f.kind, f.key, f.body, f.currency, f.event_id, f.recorded_at, :known_at
       FROM unnest(:account_ids, :kinds, :keys, :bodies, :currencies, :event_ids, :recorded)
            WITH ORDINALITY AS f (account_id, kind, key, body, currency, event_id, recorded_at, place)
       ORDER BY f.place
       ON CONFLICT (account_id, kind, key) DO NOTHING
       RETURNING account_id, kind, key)
       SELECT new.* FROM (SELECT count(*) AS rows FROM new) AS taken
       LEFT JOIN new ON taken.rows < cardinality(:keys) WHERE taken.rows < cardinality(:keys)"""
).bindparams(
    *_arrays(
        account_ids=sa.Text,
        kinds=sa.Text,
        keys=sa.Text,
        bodies=sa.Text,
        currencies=sa.Text,
        event_ids=sa.Text,
        recorded=sa.DateTime(timezone=True),
    ),
    sa.bindparam("known_at", type_=sa.DateTime(timezone=True)),
)
_BODIES = sa.text(
    """SELECT f.account_id, f.kind, f.key, f.body
       FROM unnest(:account_ids, :kinds, :keys) AS k (account_id, kind, key)
       JOIN fact f USING (account_id, kind, key)"""
).bindparams(*_arrays(account_ids=sa.Text, kinds=sa.Text, keys=sa.Text))
_LOAD = sa.text(
    "SELECT account_id, folded, currency, packs FROM account WHERE account_id = ANY(:account_ids)"
).bindparams(*_arrays(account_ids=sa.Text))
_SAVE = sa.text(
    """INSERT INTO account (account_id, shard, folded, waiting, customer_id, product, currency, policy, state, bucket,
                            arrears_minor, exposure_minor, version, packs, next_transition_on)
       SELECT * FROM unnest(:account_ids, :shards, :folded, :waiting, :customers, :products, :currencies, :policies,
                            :states, :buckets, :arrears, :exposures, :versions, :packs, :transitions)
       ON CONFLICT (account_id) DO UPDATE SET
           folded = excluded.folded, waiting = excluded.waiting, customer_id = excluded.customer_id,
           product = excluded.product, currency = excluded.currency, policy = excluded.policy, state = excluded.state,
           bucket = excluded.bucket, arrears_minor = excluded.arrears_minor,
           exposure_minor = excluded.exposure_minor, version = excluded.version, packs = excluded.packs,
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
        packs=sa.Text,
        transitions=sa.Date,
    )
)
_TELL = sa.text(
    """INSERT INTO status (account_id, version, event_id, body, told_at)
       SELECT told.*, :told_at FROM unnest(:account_ids, :versions, :event_ids, :bodies) AS told"""
).bindparams(
    *_arrays(account_ids=sa.Text, versions=sa.BigInteger, event_ids=sa.Text, bodies=sa.Text),
    sa.bindparam("told_at", type_=sa.DateTime(timezone=True)),
)
_TOLD = sa.text(
    """SELECT account_id, version, event_id, body, told_at FROM status
       WHERE account_id = :account_id AND version > :after ORDER BY version LIMIT :rows_max"""
)
_VERSION_AT = sa.text(
    "SELECT coalesce(max(version), 0) FROM status WHERE account_id = :account_id AND told_at <= :at"
).bindparams(sa.bindparam("at", type_=sa.DateTime(timezone=True)))
_SUPERSEDE = sa.text(
    """INSERT INTO packs_until (account_id, until_at, packs)
       SELECT packs.account_id, :until_at, packs.packs FROM unnest(:account_ids, :packs) AS packs (account_id, packs)
       ON CONFLICT DO NOTHING"""  # replaced twice at one instant: those in between were never in force
).bindparams(sa.bindparam("until_at", type_=sa.DateTime(timezone=True)), *_arrays(account_ids=sa.Text, packs=sa.Text))
_PACKS_AT = sa.text(
    """SELECT packs FROM packs_until WHERE account_id = :account_id AND until_at > :at ORDER BY until_at LIMIT 1"""
).bindparams(sa.bindparam("at", type_=sa.DateTime(timezone=True)))
_HISTORY = sa.text(
    """SELECT account_id, kind, key, body, currency, event_id, recorded_at FROM fact
       WHERE account_id = ANY(:account_ids) ORDER BY account_id, arrival"""
).bindparams(*_arrays(account_ids=sa.Text))
_KNOWN = sa.text(
    """SELECT account_id, kind, key, body, currency, event_id, recorded_at FROM fact
       WHERE account_id = :account_id AND known_at <= coalesce(:at, 'infinity') ORDER BY arrival"""
).bindparams(sa.bindparam("at", type_=sa.DateTime(timezone=True)))
_STREAMED: Final = {"yield_per": 1000}
_DUE = sa.text(
    """SELECT account_id, folded, currency, packs FROM account
       WHERE shard = :shard AND next_transition_on <= :day ORDER BY account_id LIMIT :accounts_max"""
)
# One round trip tells a transaction all it has to know of the service besides its accounts.
_STANDING = sa.text(
    """SELECT d.closed_to, d.aged_to, d.to_close,
              (SELECT coalesce(max(activation), 0) FROM policy_activation) AS activation,
              (SELECT min(job_id) FROM job_shard WHERE shard = :shard AND finished_at IS NULL) AS job_id
       FROM (SELECT 1) AS always LEFT JOIN shard_day d ON d.shard = :shard"""
)
_SET_SHARD_DAY = sa.text(
    """INSERT INTO shard_day (shard, closed_to, aged_to, to_close) VALUES (:shard, :closed_to, :aged_to, :to_close)
       ON CONFLICT (shard) DO UPDATE SET
           closed_to = excluded.closed_to, aged_to = excluded.aged_to, to_close = excluded.to_close"""
).bindparams(sa.bindparam("to_close", type_=ARRAY(sa.Date)))
_ONE = sa.text(
    """SELECT a.folded, a.version, a.packs, a.currency, d.aged_to FROM account a LEFT JOIN shard_day d USING (shard)
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


async def claim(connection: AsyncConnection, rows: Sequence[FactRow], known_at: datetime) -> set[Key] | None:
    """Store the facts that are new; their keys, or None for all of them. Keys must be distinct within `rows`."""
    names = ("account_ids", "kinds", "keys", "bodies", "currencies", "event_ids", "recorded")
    found = (await connection.execute(_CLAIM, {**_columns(rows, names), "known_at": known_at})).all()
    # One row without a key where none was new, no row at all where every one was.
    return {(r[0], r[1], r[2]) for r in found} if found else None


async def bodies(connection: AsyncConnection, keys: Sequence[Key]) -> dict[Key, str]:
    """What is stored under keys that were refused."""
    found = await connection.execute(_BODIES, _columns(keys, ("account_ids", "kinds", "keys")))
    return {(r[0], r[1], r[2]): r[3] for r in found}


async def load(connection: AsyncConnection, account_ids: Iterable[str]) -> dict[str, Loaded]:
    """What is kept of the accounts that have a row."""
    found = await connection.execute(_LOAD, {"account_ids": list(account_ids)})
    return {r[0]: Loaded(r[1], r[2], r[3]) for r in found}


async def save(connection: AsyncConnection, rows: Sequence[AccountRow]) -> None:
    """Write whole accounts in one statement."""
    names = (
        "account_ids", "shards", "folded", "waiting", "customers", "products", "currencies", "policies", "states",
        "buckets", "arrears", "exposures", "versions", "packs",
        "transitions",
    )  # fmt: skip
    await connection.execute(_SAVE, _columns(rows, names))


async def tell(connection: AsyncConnection, rows: Sequence[Status], told_at: datetime) -> None:
    """Keep what was told."""
    names = ("account_ids", "versions", "event_ids", "bodies")
    await connection.execute(_TELL, {**_columns(rows, names), "told_at": told_at})


async def told(
    connection: AsyncConnection, account_id: str, after: int, rows_max: int
) -> list[tuple[Status, datetime]]:
    """What was told of the account above a version, in order, and when."""
    keys = {"account_id": account_id, "after": after, "rows_max": rows_max}
    return [(Status(*row[:4]), row[4]) for row in await connection.execute(_TOLD, keys)]


async def version_at(connection: AsyncConnection, account_id: str, at: datetime) -> int:
    """The last version told by an instant; 0 for none."""
    return int((await connection.execute(_VERSION_AT, {"account_id": account_id, "at": at})).scalar_one())


async def supersede(connection: AsyncConnection, packs: Mapping[str, str], until_at: datetime) -> None:
    """Note by account which packs governed it until now."""
    named = {"account_ids": list(packs), "packs": list(packs.values())}
    await connection.execute(_SUPERSEDE, {**named, "until_at": until_at})


async def packs_at(connection: AsyncConnection, account_id: str, at: datetime) -> str | None:
    """The packs that governed the account at an instant; None where the present ones did already."""
    return (await connection.execute(_PACKS_AT, {"account_id": account_id, "at": at})).scalar_one_or_none()


async def histories(
    connection: AsyncConnection, account_ids: Iterable[str]
) -> AsyncGenerator[tuple[str, list[FactRow]], None]:
    """All stored facts in order of arrival, one account after the other: those of all may be millions."""
    past: list[FactRow] = []
    async with connection.stream(_HISTORY, {"account_ids": list(account_ids)}, execution_options=_STREAMED) as found:
        async for row in found:
            if past and past[0].account_id != row[0]:
                yield past[0].account_id, past
                past = []
            past.append(FactRow(*row))
    if past:
        yield past[0].account_id, past


async def known(connection: AsyncConnection, account_id: str, at: datetime | None = None) -> list[FactRow]:
    """The account's facts that had been taken in by that instant, or by now, in order of arrival."""
    return [FactRow(*row) for row in await connection.execute(_KNOWN, {"account_id": account_id, "at": at})]


async def due(connection: AsyncConnection, shard: int, day: date, accounts_max: int) -> dict[str, Loaded]:
    """Accounts of the shard that would change by that day, at most so many."""
    found = await connection.execute(_DUE, {"shard": shard, "day": day, "accounts_max": accounts_max})
    return {r[0]: Loaded(r[1], r[2], r[3]) for r in found}


async def standing(connection: AsyncConnection, shard: int) -> Standing:
    """How far the shard is, which policies are in force, which re-assessment waits."""
    row = (await connection.execute(_STANDING, {"shard": shard})).one()
    day = None if row[0] is None else ShardDay(row[0], row[1], tuple(row[2]))
    return Standing(day, row[3], row[4])


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
