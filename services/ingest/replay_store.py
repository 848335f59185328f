"""The SQL of a replay: scratch tables beside the live ones, chunks of both to compare, and what it hands to a job.

The scratch tables are unlogged and belong to the one replay that runs; the next one makes them anew.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final, NamedTuple

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from services.ingest.tables import FactRow
from shared.messaging import store
from shared.messaging.transaction import partition_of

STREAM: Final = "accounts"
ACCOUNTS_MAX: Final = 10_000
"""Put back in one statement."""
LIVE: Final = "fact"
REPLAYED: Final = "replayed_fact"


class Kept(NamedTuple):
    """One account as it is kept, and its facts as one JSON array of [kind, body]."""

    account_id: str
    folded: str
    currency: str | None
    facts: str | None


class FactCounts(NamedTuple):
    """How the facts of the topics differ from those that are kept."""

    only_in_topics: int
    only_kept: int
    other_content: int


_ALONE = sa.text("SELECT pg_try_advisory_lock(hashtext('arrears.replay.' || current_schema()))")
_SCRATCH = (
    "DROP TABLE IF EXISTS replayed_fact, replayed_difference",
    "CREATE UNLOGGED TABLE replayed_fact (LIKE fact INCLUDING IDENTITY INCLUDING INDEXES)",
    "CREATE UNLOGGED TABLE replayed_difference (account_id text PRIMARY KEY)",
)
_DROP = "DROP TABLE IF EXISTS replayed_fact, replayed_difference"
_BOUNDS = sa.text(
    """SELECT account_id FROM (
           SELECT account_id, row_number() OVER (ORDER BY account_id) AS place FROM account
           WHERE :pack = '' OR position(:pack IN ' ' || packs) > 0) AS numbered
       WHERE place % :size = 0 ORDER BY account_id"""
)
_COUNT = sa.text("SELECT count(*) FROM account WHERE :pack = '' OR position(:pack IN ' ' || packs) > 0")
# Which of several facts came first does not matter any more: keys are unique. Few accounts have facts in another
# currency than their own; to hold each fact against its account's would take half as long again.
_CHUNK = """
    SELECT a.account_id, a.folded, a.currency,
           CASE WHEN a.currency IS NULL OR (coalesce(f.lowest, a.currency), coalesce(f.highest, a.currency))
                                           = (a.currency, a.currency) THEN f.facts
                ELSE (SELECT string_agg('["' || kind || '",' || body || ']', ',') FROM {facts} own
                      WHERE own.account_id = a.account_id AND coalesce(own.currency, a.currency) = a.currency)
           END AS facts
    FROM account a LEFT JOIN (
        SELECT account_id, string_agg('["' || kind || '",' || body || ']', ',') AS facts,
               min(currency) AS lowest, max(currency) AS highest
        FROM {facts} WHERE account_id > :after AND (account_id <= :upto OR :upto = '')
        GROUP BY account_id) AS f USING (account_id)
    WHERE account_id > :after AND (account_id <= :upto OR :upto = '')
      AND (:pack = '' OR position(:pack IN ' ' || a.packs) > 0)"""
_CHUNKS = {table: sa.text(_CHUNK.format(facts=table)) for table in (LIVE, REPLAYED)}
_REPLAY = sa.text(
    """INSERT INTO replayed_fact (account_id, kind, key, body, currency, event_id, recorded_at, known_at)
       SELECT f.account_id, f.kind, f.key, f.body, f.currency, f.event_id, f.recorded_at, f.recorded_at
       FROM unnest(:account_ids, :kinds, :keys, :bodies, :currencies, :event_ids, :recorded)
            WITH ORDINALITY AS f (account_id, kind, key, body, currency, event_id, recorded_at, place)
       ORDER BY f.place ON CONFLICT DO NOTHING"""
).bindparams(
    *[
        sa.bindparam(name, type_=ARRAY(sa.Text))
        for name in ("account_ids", "kinds", "keys", "bodies", "currencies", "event_ids")
    ],
    sa.bindparam("recorded", type_=ARRAY(sa.DateTime(timezone=True))),
)
# What the consumer would have refused, it refused: another currency than that of the account's opening.
_FOREIGN = sa.text(
    """DELETE FROM replayed_fact f USING replayed_fact o
       WHERE o.account_id = f.account_id AND o.kind = 'opened' AND f.currency <> o.currency"""
)
_FACT_COUNTS = sa.text(
    """SELECT count(*) FILTER (WHERE f.key IS NULL), count(*) FILTER (WHERE r.key IS NULL),
              count(*) FILTER (WHERE f.body <> r.body)
       FROM fact f FULL JOIN replayed_fact r USING (account_id, kind, key)"""
)
_NOTE = sa.text("INSERT INTO replayed_difference SELECT unnest(:account_ids) ON CONFLICT DO NOTHING").bindparams(
    sa.bindparam("account_ids", type_=ARRAY(sa.Text))
)
_NOTE_LOST = sa.text(
    """INSERT INTO replayed_difference
       SELECT DISTINCT account_id FROM replayed_fact r
       WHERE NOT EXISTS (SELECT FROM fact f WHERE (f.account_id, f.kind, f.key) = (r.account_id, r.kind, r.key))
       ON CONFLICT DO NOTHING"""
)
_LOST_ACCOUNTS = sa.text(
    """SELECT count(DISTINCT account_id) FROM replayed_fact r
       WHERE NOT EXISTS (SELECT FROM account a WHERE a.account_id = r.account_id)"""
)
_RESTORE_FACTS = sa.text(
    """INSERT INTO fact (account_id, kind, key, body, currency, event_id, recorded_at, known_at)
       SELECT account_id, kind, key, body, currency, event_id, recorded_at, :at FROM replayed_fact ORDER BY arrival
       ON CONFLICT DO NOTHING"""
).bindparams(sa.bindparam("at", type_=sa.DateTime(timezone=True)))
_LOST = sa.text(
    """SELECT DISTINCT account_id FROM replayed_fact r
       WHERE account_id > :after AND NOT EXISTS (SELECT FROM account a WHERE a.account_id = r.account_id)
       ORDER BY account_id LIMIT :accounts_max"""
)
# As an account of which nothing arrived is kept: never aged, its last version, nothing waiting.
_RESTORE_ACCOUNTS = sa.text(
    """INSERT INTO account (account_id, shard, folded, waiting, version, packs)
       SELECT account_id, shard, '[1,' || version || ',0]', 0, version, '' FROM (
           SELECT account_id, shard,
                  (SELECT coalesce(max(version), 0) FROM status s WHERE s.account_id = r.account_id) AS version
           FROM unnest(:account_ids, :shards) AS r (account_id, shard)) AS lost ON CONFLICT DO NOTHING"""
).bindparams(sa.bindparam("account_ids", type_=ARRAY(sa.Text)), sa.bindparam("shards", type_=ARRAY(sa.Integer)))
_HAND_OVER = sa.text("INSERT INTO job_account (job_id, account_id) SELECT :job_id, account_id FROM replayed_difference")


async def alone(connection: AsyncConnection) -> bool:
    """Whether no other replay runs; held as long as the connection."""
    return bool((await connection.execute(_ALONE)).scalar_one())


async def scratch(connection: AsyncConnection) -> None:
    """Empty scratch tables."""
    for statement in _SCRATCH:
        await connection.execute(sa.text(statement))


async def drop_scratch(connection: AsyncConnection) -> None:
    """Leave nothing behind."""
    await connection.execute(sa.text(_DROP))


async def bounds(connection: AsyncConnection, pack: str, size: int) -> list[str]:
    """The last account of each chunk but the last one, in order."""
    return [row[0] for row in await connection.execute(_BOUNDS, {"pack": pack, "size": size})]


async def count(connection: AsyncConnection, pack: str) -> int:
    """How many accounts there are to compare."""
    return int((await connection.execute(_COUNT, {"pack": pack})).scalar_one())


async def chunk(connection: AsyncConnection, facts: str, pack: str, after: str, upto: str) -> list[Kept]:
    """Accounts above one id up to another (without end when empty) with the facts of a table."""
    keys = {"pack": pack, "after": after, "upto": upto}
    return [Kept(*row) for row in await connection.execute(_CHUNKS[facts], keys)]


async def replay(connection: AsyncConnection, rows: Sequence[FactRow]) -> None:
    """Take facts of a partition in, in order: the first of a key stands."""
    names = ("account_ids", "kinds", "keys", "bodies", "currencies", "event_ids", "recorded")
    columns = dict(zip(names, map(list, zip(*rows, strict=True)), strict=True))
    await connection.execute(_REPLAY, columns)


async def fact_counts(connection: AsyncConnection) -> FactCounts:
    """How the replayed facts differ from the kept ones; those of a foreign currency are left out first."""
    await connection.execute(_FOREIGN)
    return FactCounts(*(await connection.execute(_FACT_COUNTS)).one())


async def note(connection: AsyncConnection, account_ids: Sequence[str]) -> None:
    """Accounts that differ."""
    await connection.execute(_NOTE, {"account_ids": list(account_ids)})


async def note_lost(connection: AsyncConnection) -> int:
    """Note the accounts that lack facts; how many of them are not there at all."""
    await connection.execute(_NOTE_LOST)
    return int((await connection.execute(_LOST_ACCOUNTS)).scalar_one())


async def restore(connection: AsyncConnection, at: datetime) -> None:
    """Put back what was lost: facts, and accounts of which nothing is kept, empty until they are made anew."""
    await connection.execute(_RESTORE_FACTS, {"at": at})
    shards = (await store.shard_counts(connection))[STREAM]
    after = ""
    while lost := [row[0] for row in await connection.execute(_LOST, {"after": after, "accounts_max": ACCOUNTS_MAX})]:
        after = lost[-1]
        # Where their facts lie says nothing: there may have been fewer partitions then.
        homes = [partition_of(account_id.encode(), shards) for account_id in lost]
        await connection.execute(_RESTORE_ACCOUNTS, {"account_ids": lost, "shards": homes})


async def hand_over(connection: AsyncConnection, job_id: int) -> None:
    """Give the accounts that differ to a job."""
    await connection.execute(_HAND_OVER, {"job_id": job_id})
