"""Statuses of accounts, repayments applied, cures and the days ingest has aged: what `delinquency.status` leaves.

Every row here belongs to one customer and so to one shard: no two transactions write the same row. A batch reads
once and writes once: what a statement costs is mostly its round trip.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncConnection

from services.reporting.domain.standing import Book, Standing
from services.reporting.store.sql import BIG, BOOL, DATE, INT, TEXT, TEXTS, Row, Statement

# Where accounts stand, then the days aged: a row without account. Every shard has aged the last complete day, so no
# older row can be a shard's latest. The row without account and shard is that day.
_BOOK = Statement(
    {},
    """SELECT account_id, version, valid_from, NULL::integer FROM account_now WHERE account_id = ANY ({account_ids})
       UNION ALL
       SELECT NULL, NULL, max(business_date), source_shard FROM day_aged
       WHERE shard = {shard}
         AND business_date >= (SELECT coalesce(max(business_date), '-infinity') FROM business_day)
       GROUP BY source_shard
       UNION ALL SELECT NULL, NULL, max(business_date), NULL FROM business_day""",
    account_ids=TEXTS,
    shard=INT,
)
STATUS: Final = {
    "account_id": TEXT, "customer_id": TEXT, "product": TEXT, "currency": TEXT, "version": BIG, "as_of": DATE,
    "days_past_due": INT, "bucket": TEXT, "days_from": INT, "state": TEXT, "delinquent": BOOL,
    "exposure_minor": BIG, "arrears_minor": BIG,
}  # fmt: skip
_STATUS: Final = ", ".join(STATUS)
_AGED: Final = {"business_date": DATE, "source_shard": INT, "source_shards": INT}
_REPAYMENT: Final = {
    "account_id": TEXT, "version": BIG, "booked_on": DATE, "repayment_id": TEXT, "product": TEXT, "currency": TEXT,
    "amount_minor": BIG, "applied_minor": BIG, "effective_on": DATE, "state": TEXT,
}  # fmt: skip
_CURE: Final = {
    "account_id": TEXT, "version": BIG, "booked_on": DATE, "product": TEXT, "currency": TEXT, "through": TEXT,
}  # fmt: skip
# What held before the batch goes to the past with the day it ended. All parts of a statement see the tables as they
# were when it began, so it is the status before the batch that is read, whichever part runs first.
_SAVE = Statement(
    {
        "ended": {"ended_id": TEXT, "valid_to": DATE},
        "past": {**STATUS, "valid_from": DATE, "valid_to": DATE},
        "present": {**STATUS, "valid_from": DATE},
        "repayments": _REPAYMENT,
        "cures": _CURE,
        "aged": _AGED,
    },
    f"""WITH left_behind AS (
            INSERT INTO account_past ({_STATUS}, valid_from, valid_to)
            SELECT {_STATUS}, a.valid_from, ended.valid_to FROM {{ended}} JOIN account_now AS a ON account_id = ended_id
            UNION ALL SELECT * FROM {{past}}
        ), arrived AS (
            INSERT INTO account_now ({_STATUS}, valid_from) SELECT * FROM {{present}}
            ON CONFLICT (account_id) DO UPDATE
            SET {", ".join(f"{name} = excluded.{name}" for name in (*list(STATUS)[1:], "valid_from"))}
        ), repaid AS (
            INSERT INTO fact_repayment_applied ({", ".join(_REPAYMENT)}) SELECT * FROM {{repayments}}
            ON CONFLICT DO NOTHING
        ), cured AS (
            INSERT INTO fact_cure ({", ".join(_CURE)}) SELECT * FROM {{cures}} ON CONFLICT DO NOTHING
        )
        INSERT INTO day_aged (shard, {", ".join(_AGED)}) SELECT {{shard}}, aged.* FROM {{aged}}
        ON CONFLICT DO NOTHING""",
    shard=INT,
)


@dataclass
class Written:
    """Rows to write, by what they are: in the columns of their tables, or as said."""

    ended: Sequence[Row] = ()
    """(account, first day no longer): what stands there now held until then."""
    past: Sequence[Row] = ()
    """STATUS, then the first day it held and the first it no longer did."""
    present: Sequence[Row] = ()
    """STATUS, then the first day it holds; one an account."""
    repayments: list[Row] = field(default_factory=list)
    """One already there stays."""
    cures: list[Row] = field(default_factory=list)
    """One already there stays."""
    aged: list[Row] = field(default_factory=list)
    """(business date, ingest shard, number of ingest shards) aged on this partition."""


async def load_book(connection: AsyncConnection, shard: int, account_ids: Collection[str]) -> Book[Any]:
    """The days aged on this partition and where the touched accounts stand."""
    aged: dict[int | None, date] = {}
    standings: dict[str, Standing] = {}
    for account_id, version, day, source in await _BOOK.execute(
        connection, {}, account_ids=list(account_ids), shard=shard
    ):
        if account_id is None:
            aged[source] = day
        else:
            standings[account_id] = Standing(version, day)
    complete = aged.pop(None)
    return Book({source: day for source, day in aged.items() if source is not None}, standings, complete)


async def save(connection: AsyncConnection, shard: int, rows: Written) -> None:
    """Write them in one statement; without a row there is none."""
    kinds = vars(rows)
    if any(kinds.values()):
        await _SAVE.execute(connection, kinds, shard=shard)
