"""The SQL of re-assessments: which accounts of a shard are next, and how far each shard is."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from services.ingest.tables import JobShard, Loaded, Moved

_INSERT = sa.text(
    """INSERT INTO job (kind, policy, policy_version, asked_by, asked_at)
       VALUES (:kind, :policy, :policy_version, :asked_by, :asked_at) RETURNING job_id"""
)
# Every shard takes part: one without such accounts now may have some from a transaction that is still under way.
_SPREAD = sa.text(
    """INSERT INTO job_shard (job_id, shard, total, done, changed, errors, after_account_id)
       SELECT :job_id, s.shard, count(a.account_id), 0, 0, 0, ''
       FROM generate_series(0, CAST(:shards AS integer) - 1) AS s (shard)
       LEFT JOIN account a ON a.shard = s.shard AND position(:pack IN ' ' || a.packs) > 0
       GROUP BY s.shard"""
)
_SPREAD_LISTED = sa.text(
    """INSERT INTO job_shard (job_id, shard, total, done, changed, errors, after_account_id)
       SELECT :job_id, a.shard, count(*), 0, 0, 0, ''
       FROM job_account j JOIN account a USING (account_id) WHERE j.job_id = :job_id GROUP BY a.shard"""
)
_SHARD = sa.text(
    """SELECT j.job_id, j.kind, j.policy, s.after_account_id
       FROM job_shard s JOIN job j USING (job_id) WHERE s.job_id = :job_id AND s.shard = :shard"""
)
_GOVERNED = sa.text(
    """SELECT account_id, folded, currency, packs FROM account
       WHERE account_id > :after AND shard = :shard AND position(:pack IN ' ' || packs) > 0
       ORDER BY account_id LIMIT :accounts_max"""
)
_LISTED = sa.text(
    """SELECT a.account_id, a.folded, a.currency, a.packs
       FROM job_account j JOIN account a USING (account_id)
       WHERE j.job_id = :job_id AND j.account_id > :after AND a.shard = :shard
       ORDER BY j.account_id LIMIT :accounts_max"""
)
# Made one text an account: a row a fact costs more to hand over than to read.
_HISTORIES = sa.text(
    """SELECT account_id, string_agg('["' || f.kind || '",' || f.body || ',"' || f.recorded_at::date || '"]', ','
                                  ORDER BY f.arrival) AS facts
       FROM account a JOIN fact f USING (account_id)
       WHERE account_id = ANY(:account_ids) AND (f.currency IS NULL OR f.currency = a.currency)
       GROUP BY account_id"""
).bindparams(sa.bindparam("account_ids", type_=ARRAY(sa.Text)))
_STREAMED: Final = {"yield_per": 100}
_RESTAMP = sa.text(
    """UPDATE account a SET packs = stamps.packs
       FROM unnest(:account_ids, :packs) AS stamps (account_id, packs) WHERE a.account_id = stamps.account_id"""
).bindparams(sa.bindparam("account_ids", type_=ARRAY(sa.Text)), sa.bindparam("packs", type_=ARRAY(sa.Text)))
_ADVANCE = sa.text(
    """UPDATE job_shard SET done = done + :done, changed = changed + :changed, errors = errors + :errors,
              after_account_id = coalesce(CAST(:last AS text), after_account_id),
              total = CASE WHEN CAST(:finished AS boolean) THEN done + :done ELSE greatest(total, done + :done) END,
              started_at = coalesce(started_at, :at), moved_at = :at,
              finished_at = CASE WHEN CAST(:finished AS boolean) THEN CAST(:at AS timestamptz) END
       WHERE job_id = :job_id AND shard = :shard"""
).bindparams(sa.bindparam("at", type_=sa.DateTime(timezone=True)))
_JOBS = sa.text(
    """SELECT j.job_id, j.kind, j.policy, j.policy_version, j.asked_by, j.asked_at,
              coalesce(sum(s.total), 0)::bigint AS total, coalesce(sum(s.done), 0)::bigint AS done,
              coalesce(sum(s.changed), 0)::bigint AS changed, coalesce(sum(s.errors), 0)::bigint AS errors,
              count(s.shard) AS shards, count(s.finished_at) AS shards_finished,
              min(s.started_at) AS started_at, max(s.moved_at) AS moved_at
       FROM job j LEFT JOIN job_shard s USING (job_id)
       WHERE j.job_id = :job_id OR (CAST(:job_id AS bigint) IS NULL AND j.job_id < :before)
       GROUP BY j.job_id ORDER BY j.job_id DESC LIMIT :rows_max"""
).bindparams(sa.bindparam("job_id", type_=sa.BigInteger))
_UNFINISHED = sa.text(
    """SELECT coalesce(sum(greatest(total - done, 1)), 0)::bigint FROM job_shard WHERE finished_at IS NULL"""
)
_LIST = sa.text("INSERT INTO job_account (job_id, account_id) SELECT :job_id, unnest(:account_ids)").bindparams(
    sa.bindparam("account_ids", type_=ARRAY(sa.Text))
)


def _needle(pack: str) -> str:
    """What a stamp of packs holds when the pack is among them."""
    return f" {pack}@"


async def insert(
    connection: AsyncConnection, kind: str, policy: str | None, version: int | None, asked_by: str, asked_at: datetime
) -> int:
    """A new job's number."""
    row = {"kind": kind, "policy": policy, "policy_version": version, "asked_by": asked_by, "asked_at": asked_at}
    return int((await connection.execute(_INSERT, row)).scalar_one())


async def spread(connection: AsyncConnection, job_id: int, pack: str, shards: int) -> None:
    """Give each shard its part: the accounts that the pack governs."""
    await connection.execute(_SPREAD, {"job_id": job_id, "pack": _needle(pack), "shards": shards})


async def spread_listed(connection: AsyncConnection, job_id: int) -> None:
    """Give each shard its part: the accounts listed for the job."""
    await connection.execute(_SPREAD_LISTED, {"job_id": job_id})


async def list_accounts(connection: AsyncConnection, job_id: int, account_ids: Sequence[str]) -> None:
    """Accounts that a replay makes anew."""
    await connection.execute(_LIST, {"job_id": job_id, "account_ids": list(account_ids)})


async def shard(connection: AsyncConnection, job_id: int, number: int) -> JobShard:
    """A shard's part of a job."""
    return JobShard(*(await connection.execute(_SHARD, {"job_id": job_id, "shard": number})).one())


async def accounts(connection: AsyncConnection, part: JobShard, number: int, accounts_max: int) -> dict[str, Loaded]:
    """The shard's next accounts of the job, at most so many."""
    keys: dict[str, Any] = {"shard": number, "after": part.after_account_id, "accounts_max": accounts_max}
    if part.policy is None:
        found = await connection.execute(_LISTED, {**keys, "job_id": part.job_id})
    else:
        found = await connection.execute(_GOVERNED, {**keys, "pack": _needle(part.policy)})
    return {r[0]: Loaded(r[1], r[2], r[3]) for r in found}


async def histories(connection: AsyncConnection, account_ids: Sequence[str]) -> AsyncGenerator[tuple[str, str], None]:
    """Opened accounts, each with its facts in order of arrival: JSON arrays of [kind, body, day recorded], by commas.

    Without amounts in another currency than the account's.
    """
    async with connection.stream(_HISTORIES, {"account_ids": list(account_ids)}, execution_options=_STREAMED) as found:
        async for account_id, past in found:
            yield account_id, past


async def restamp(connection: AsyncConnection, packs: Mapping[str, str]) -> None:
    """Note by account the packs that govern it, where they say of it what those before them said."""
    if packs:
        await connection.execute(_RESTAMP, {"account_ids": list(packs), "packs": list(packs.values())})


async def advance(connection: AsyncConnection, part: JobShard, number: int, moved: Moved, at: datetime) -> None:
    """Note what a chunk did."""
    keys = {"job_id": part.job_id, "shard": number, "at": at}
    await connection.execute(_ADVANCE, {**keys, **moved._asdict()})


async def jobs(
    connection: AsyncConnection, job_id: int | None = None, before: int = 2**62, rows_max: int = 100
) -> list[dict[str, Any]]:
    """Jobs with how far they are over all shards, newest first; or one."""
    keys = {"job_id": job_id, "before": before, "rows_max": rows_max}
    return [dict(row._mapping) for row in await connection.execute(_JOBS, keys)]


async def unfinished(connection: AsyncConnection) -> int:
    """About how many accounts wait to be re-assessed; 0 only when no shard has any left."""
    return int((await connection.execute(_UNFINISHED)).scalar_one())
