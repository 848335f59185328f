"""What the API asks: closed days, metrics, the portfolio."""

from collections.abc import Mapping, Sequence
from datetime import date
from functools import cache
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.reporting.metrics.catalogue import METRICS
from services.reporting.metrics.definition import query
from services.reporting.store.sql import Row

_DATE: Final = sa.Date()
_TEXT: Final = sa.Text()
# The first and the last complete day, and the last one not after a given day.
_DAYS = sa.text(
    """SELECT min(business_date), max(business_date), max(business_date) FILTER (WHERE business_date <= :from_day),
              max(business_date) FILTER (WHERE business_date <= :to_day)
       FROM business_day"""
).bindparams(sa.bindparam("from_day", type_=_DATE), sa.bindparam("to_day", type_=_DATE))
_LAST_MONTH = sa.text("SELECT from_date, to_date FROM monthly_roll ORDER BY to_date DESC LIMIT 1")

_CLOSED: Final = sa.text(
    """SELECT currency, state, bucket, days_from, sum(accounts)::bigint AS accounts,
              sum(balance_minor)::bigint AS balance, sum(exposure_minor)::bigint AS exposure,
              sum(arrears_minor)::bigint AS arrears
       FROM portfolio_daily WHERE business_date = :day
       GROUP BY currency, state, bucket, days_from ORDER BY currency, state, days_from, bucket"""
).bindparams(sa.bindparam("day", type_=_DATE))
# The last close, less what the accounts with a newer status had then, plus what they have now; and the accounts
# that no status has come for.
_NOW: Final = sa.text(
    """WITH moved AS (
           SELECT n.*, p.state AS state0, p.bucket AS bucket0, p.days_from AS days_from0, p.balance_minor AS balance0,
                  p.exposure_minor AS exposure0, p.arrears_minor AS arrears0
           FROM account_past AS p JOIN account_now AS n USING (account_id)
           WHERE p.valid_to > :day AND p.valid_from <= :day
       ), cell AS (
           SELECT currency, state, bucket, days_from, accounts, balance_minor AS balance, exposure_minor AS exposure,
                  arrears_minor AS arrears
           FROM daily_bucket WHERE business_date = :day
           UNION ALL
           SELECT currency, state0, bucket0, days_from0, -1, -balance0, -exposure0, -arrears0
           FROM moved WHERE state0 <> 'new'
           UNION ALL
           SELECT currency, state, bucket, days_from, 1, balance_minor, exposure_minor, arrears_minor FROM moved
       ), opened AS (
           SELECT currency, sum(accounts) AS accounts FROM opened_count GROUP BY currency
       ), assessed AS (
           SELECT currency, sum(accounts) AS accounts FROM cell GROUP BY currency
       )
       SELECT currency, state, bucket, days_from, sum(accounts)::bigint AS accounts, sum(balance)::bigint AS balance,
              sum(exposure)::bigint AS exposure, sum(arrears)::bigint AS arrears
       FROM (SELECT * FROM cell
             UNION ALL
             SELECT o.currency, 'open', 'current', 0, o.accounts - coalesce(a.accounts, 0), 0, 0, 0
             FROM opened AS o LEFT JOIN assessed AS a USING (currency)
             WHERE o.accounts > coalesce(a.accounts, 0)) AS part
       GROUP BY currency, state, bucket, days_from HAVING sum(accounts) <> 0
       ORDER BY currency, state, days_from, bucket"""
).bindparams(sa.bindparam("day", type_=_DATE))


@cache
def _metric_statement(name: str) -> sa.TextClause:
    metric = METRICS[name]
    kinds: list[tuple[str, Any]] = [
        ("from_day", _DATE),
        ("to_day", _DATE),
        *((parameter, _TEXT) for parameter in metric.filters),
    ]
    return sa.text(query(metric)).bindparams(*(sa.bindparam(key, type_=kind) for key, kind in kinds))


async def closed_days(connection: AsyncConnection, from_day: date | None, to_day: date | None) -> Row:
    """(first complete day, last complete day, last one by `from_day`, last one by `to_day`), each may be None."""
    asked = {"from_day": from_day, "to_day": to_day}
    return tuple((await connection.execute(_DAYS, asked)).one())


async def last_month(connection: AsyncConnection) -> tuple[date, date] | None:
    """The last two month ends a roll matrix is kept for."""
    found = (await connection.execute(_LAST_MONTH)).first()
    return None if found is None else (found[0], found[1])


async def metric_rows(
    connection: AsyncConnection, name: str, from_day: date, to_day: date, filters: Mapping[str, str | None]
) -> list[Row]:
    """A metric's rows over [from_day, to_day], in the order of its columns."""
    found = await connection.execute(_metric_statement(name), {"from_day": from_day, "to_day": to_day, **filters})
    return [tuple(row) for row in found]


async def portfolio(connection: AsyncConnection, day: date | None) -> tuple[Sequence[sa.RowMapping], ...]:
    """Accounts and money per currency, state and bucket: at that close, and now."""
    closed = (await connection.execute(_CLOSED, {"day": day})).mappings().all()
    now = (await connection.execute(_NOW, {"day": day or date.min})).mappings().all()
    return closed, now
