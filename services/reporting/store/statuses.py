"""Statuses of accounts, repayments applied, cures and the days ingest has aged: what `delinquency.status` leaves.

Every row here belongs to one customer and so to one shard: no two transactions write the same row.
"""

from collections.abc import Collection, Sequence
from datetime import date
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from services.reporting.domain.standing import Book, Standing
from services.reporting.store.arrays import BIG, BOOL, DATE, INT, TEXT, ArrayStatement, Row

# Every shard has aged the last complete day, so no older row can be a shard's latest.
# The row without a shard is that day.
_AGED = sa.text(
    """SELECT source_shard, max(business_date) FROM day_aged
       WHERE shard = :shard
         AND business_date >= (SELECT coalesce(max(business_date), '-infinity') FROM business_day)
       GROUP BY source_shard
       UNION ALL SELECT NULL, max(business_date) FROM business_day"""
)
_STANDINGS = sa.text(
    "SELECT account_id, version, valid_from FROM account_now WHERE account_id = ANY (:account_ids)"
).bindparams(sa.bindparam("account_ids", type_=ARRAY(TEXT)))
STATUS: Final = {
    "account_id": TEXT, "customer_id": TEXT, "product": TEXT, "currency": TEXT, "version": BIG, "as_of": DATE,
    "days_past_due": INT, "bucket": TEXT, "days_from": INT, "state": TEXT, "delinquent": BOOL,
    "exposure_minor": BIG, "arrears_minor": BIG,
}  # fmt: skip
_STATUS: Final = ", ".join(STATUS)
# What held before the batch goes to the past with the day it ended.
_END = ArrayStatement(
    {"ended": TEXT, "valid_to": DATE},
    f"""INSERT INTO account_past ({_STATUS}, valid_from, valid_to)
        SELECT {_STATUS}, a.valid_from, n.valid_to FROM {{rows}} JOIN account_now AS a ON a.account_id = n.ended""",
)
_SAVE_PAST = ArrayStatement(
    {**STATUS, "valid_from": DATE, "valid_to": DATE},
    f"INSERT INTO account_past ({_STATUS}, valid_from, valid_to) SELECT n.* FROM {{rows}}",
)
_SAVE_PRESENT = ArrayStatement(
    {**STATUS, "valid_from": DATE},
    f"""INSERT INTO account_now ({_STATUS}, valid_from) SELECT n.* FROM {{rows}}
        ON CONFLICT (account_id) DO UPDATE
        SET {", ".join(f"{name} = excluded.{name}" for name in (*list(STATUS)[1:], "valid_from"))}""",
)
_SAVE_AGED = ArrayStatement(
    {"business_date": DATE, "source_shard": INT, "source_shards": INT},
    """INSERT INTO day_aged (business_date, shard, source_shard, source_shards)
       SELECT n.business_date, :shard, n.source_shard, n.source_shards FROM {rows} ON CONFLICT DO NOTHING""",
    shard=INT,
)
_REPAYMENT: Final = {
    "account_id": TEXT, "version": BIG, "booked_on": DATE, "repayment_id": TEXT, "product": TEXT, "currency": TEXT,
    "amount_minor": BIG, "applied_minor": BIG, "effective_on": DATE, "state": TEXT,
}  # fmt: skip
_SAVE_REPAYMENTS = ArrayStatement(
    _REPAYMENT,
    f"""INSERT INTO fact_repayment_applied ({", ".join(_REPAYMENT)}) SELECT n.* FROM {{rows}}
        ON CONFLICT DO NOTHING""",
)
_CURE: Final = {
    "account_id": TEXT, "version": BIG, "booked_on": DATE, "product": TEXT, "currency": TEXT, "through": TEXT,
}  # fmt: skip
_SAVE_CURES = ArrayStatement(
    _CURE,
    f"INSERT INTO fact_cure ({', '.join(_CURE)}) SELECT n.* FROM {{rows}} ON CONFLICT DO NOTHING",
)


async def load_book(connection: AsyncConnection, shard: int, account_ids: Collection[str]) -> Book[Any]:
    """The days aged on this partition and where the touched accounts stand."""
    aged: dict[int | None, date] = {row[0]: row[1] for row in await connection.execute(_AGED, {"shard": shard})}
    complete = aged.pop(None)
    by_shard = {source: day for source, day in aged.items() if source is not None}
    if not account_ids:
        return Book(by_shard, {}, complete)
    found = await connection.execute(_STANDINGS, {"account_ids": list(account_ids)})
    return Book(by_shard, {row[0]: Standing(row[1], row[2]) for row in found}, complete)


async def end_statuses(connection: AsyncConnection, rows: Sequence[Row]) -> None:
    """Rows (account, first day no longer): what stands there now held until then. Before `save_present`."""
    if rows:
        await _END.execute(connection, rows)


async def save_past(connection: AsyncConnection, rows: Sequence[Row]) -> None:
    """Rows of STATUS, then the first day each held and the first it no longer did."""
    if rows:
        await _SAVE_PAST.execute(connection, rows)


async def save_present(connection: AsyncConnection, rows: Sequence[Row]) -> None:
    """Rows of STATUS, then the first day each holds; one an account."""
    if rows:
        await _SAVE_PRESENT.execute(connection, rows)


async def save_aged(connection: AsyncConnection, shard: int, rows: Sequence[Row]) -> None:
    """Rows (business date, ingest shard, number of ingest shards) aged on this partition."""
    if rows:
        await _SAVE_AGED.execute(connection, rows, shard=shard)


async def save_repayments(connection: AsyncConnection, rows: Sequence[Row]) -> None:
    """Rows of fact_repayment_applied in its column order; one already there stays."""
    if rows:
        await _SAVE_REPAYMENTS.execute(connection, rows)


async def save_cures(connection: AsyncConnection, rows: Sequence[Row]) -> None:
    """Rows of fact_cure in its column order; one already there stays."""
    if rows:
        await _SAVE_CURES.execute(connection, rows)
