"""Closing a day: the aggregates of a complete business date, made from what changed since the one before.

A day is closed once, by the first transaction that inserts its business_day row; whoever comes second waits for
that row and finds nothing to do. Cost follows the accounts that changed, not the portfolio.
"""

from datetime import date
from typing import NamedTuple

from sqlalchemy.ext.asyncio import AsyncConnection

from services.reporting.store.sql import DATE, INT, Statement

NO_DAY = date.min
"""Before the first day; the database's `-infinity`."""

# The earliest day that every ingest shard has aged on every partition and that has no figures yet. Nobody asks again
# what was aged before a closed day.
_CLAIM_DAY = Statement(
    {},
    """WITH complete AS (
           SELECT a.business_date, latest.day AS previous_date
           FROM day_aged AS a, (SELECT max(business_date) AS day FROM business_day) AS latest
           WHERE a.business_date > coalesce(latest.day, '-infinity')
           GROUP BY a.business_date, latest.day HAVING count(*) >= max(a.source_shards) * {shards}
       ), claimed AS (
           INSERT INTO business_day (business_date, previous_date)
           SELECT business_date, previous_date FROM complete ORDER BY business_date LIMIT 1
           ON CONFLICT DO NOTHING RETURNING business_date, previous_date
       ), forgotten AS (
           DELETE FROM day_aged AS a USING claimed AS c WHERE a.business_date < c.business_date
       )
       SELECT (SELECT count(*) FROM complete), c.business_date, c.previous_date
       FROM (VALUES (1)) AS always LEFT JOIN claimed AS c ON true""",
    shards=INT,
)
_CURES = """SELECT {keys}, p.currency, p.product, c.through, count(*), sum(p.balance_minor)
       FROM (SELECT DISTINCT ON (account_id) account_id, through FROM fact_cure
             WHERE booked_on > {{previous}} AND booked_on <= {{day}} ORDER BY account_id, version) AS c
       JOIN account_past AS p
            ON p.account_id = c.account_id AND p.valid_from <= {{previous}} AND p.valid_to > {{previous}}
       WHERE p.delinquent GROUP BY p.currency, p.product, c.through"""


def _over_days(text: str) -> Statement:
    return Statement({}, text, day=DATE, previous=DATE)


# Moves: accounts with a new status since the previous close, by where they were and where they are. What arrears did
# beyond the repayments applied to them is newly overdue when they rose and otherwise reduced when they fell.
# Levels: those of the previous close, less what left each cell, plus what came.
# Cures: accounts delinquent at the previous close that were cured since, by how they first were.
_CLOSE_DAY = _over_days(
    f"""WITH applied AS (
           SELECT account_id, sum(applied_minor) AS minor FROM fact_repayment_applied
           WHERE booked_on > {{previous}} AND booked_on <= {{day}} GROUP BY account_id
       ), moved AS (
           SELECT p.currency, p.product,
                  p.state AS state0, p.delinquent AS delinquent0, p.bucket AS bucket0, p.days_from AS days_from0,
                  n.state AS state1, n.delinquent AS delinquent1, n.bucket AS bucket1, n.days_from AS days_from1,
                  p.balance_minor AS balance0, p.exposure_minor AS exposure0, p.arrears_minor AS arrears0,
                  n.balance_minor, n.exposure_minor, n.arrears_minor, coalesce(a.minor, 0) AS applied,
                  n.arrears_minor - p.arrears_minor + coalesce(a.minor, 0) AS otherwise
           FROM account_past AS p
           CROSS JOIN LATERAL account_at(p.account_id, {{day}}) AS n
           LEFT JOIN applied AS a ON a.account_id = p.account_id
           WHERE p.valid_to > {{previous}} AND p.valid_to <= {{day}} AND p.valid_from <= {{previous}}
       ), moves AS (
           INSERT INTO daily_move (
               business_date, currency, product, state0, delinquent0, bucket0, days_from0, state1, delinquent1, bucket1,
               days_from1, accounts, balance0_minor, exposure0_minor, arrears0_minor, balance1_minor, exposure1_minor,
               arrears1_minor, applied_minor, newly_overdue_minor, otherwise_reduced_minor)
           SELECT {{day}}, currency, product, state0, delinquent0, bucket0, days_from0, state1, delinquent1, bucket1,
                  days_from1, count(*), sum(balance0), sum(exposure0), sum(arrears0), sum(balance_minor),
                  sum(exposure_minor), sum(arrears_minor), sum(applied), sum(greatest(otherwise, 0)),
                  sum(greatest(-otherwise, 0))
           FROM moved
           GROUP BY currency, product, state0, delinquent0, bucket0, days_from0, state1, delinquent1, bucket1,
                    days_from1
           RETURNING *
       ), levels AS (
           INSERT INTO daily_bucket (business_date, currency, product, state, delinquent, bucket, days_from, accounts,
                                     balance_minor, exposure_minor, arrears_minor)
           SELECT {{day}}, currency, product, state, delinquent, bucket, days_from, sum(accounts), sum(balance),
                  sum(exposure), sum(arrears)
           FROM (SELECT currency, product, state, delinquent, bucket, days_from, accounts, balance_minor AS balance,
                        exposure_minor AS exposure, arrears_minor AS arrears
                 FROM daily_bucket WHERE business_date = {{previous}}
                 UNION ALL
                 SELECT currency, product, state0, delinquent0, bucket0, days_from0, -accounts, -balance0_minor,
                        -exposure0_minor, -arrears0_minor
                 FROM moves WHERE state0 <> 'new'
                 UNION ALL
                 SELECT currency, product, state1, delinquent1, bucket1, days_from1, accounts, balance1_minor,
                        exposure1_minor, arrears1_minor
                 FROM moves) AS cell
           GROUP BY currency, product, state, delinquent, bucket, days_from HAVING sum(accounts) <> 0
       ), repaid AS (
           INSERT INTO daily_repaid (business_date, currency, product, repayments, repaid_minor, returned_minor,
                                     applied_minor)
           SELECT {{day}}, currency, product, count(*) FILTER (WHERE amount_minor > 0), sum(greatest(amount_minor, 0)),
                  sum(greatest(-amount_minor, 0)), sum(applied_minor)
           FROM fact_repayment_applied WHERE booked_on > {{previous}} AND booked_on <= {{day}}
           GROUP BY currency, product
       )
       INSERT INTO daily_cure (business_date, currency, product, through, accounts, balance0_minor)
       {_CURES.format(keys="{day}")}"""
)
_MONTHLY_CURES = _over_days(
    "INSERT INTO monthly_cure (from_date, to_date, currency, product, through, accounts, balance0_minor) "
    + _CURES.format(keys="{previous}, {day}")
)
_MONTHLY_ROLLS = _over_days(
    """INSERT INTO monthly_roll (from_date, to_date, currency, product, from_bucket, to_bucket, from_days, to_days,
                                 accounts, balance_minor, balance_to_minor)
       SELECT from_date, to_date, currency, product, from_bucket, to_bucket, from_days, to_days, accounts,
              balance_minor, balance_to_minor
       FROM roll_matrix({previous}, {day})"""
)
_LAST_BEFORE_MONTH = Statement(
    {},
    "SELECT max(business_date) FROM business_day WHERE business_date < date_trunc('month', {day})::date",
    day=DATE,
)


class Claim(NamedTuple):
    """What a look for the next complete day found."""

    day: date | None
    """Now this transaction's to close; None when there is none, or somebody else has it."""
    previous: date | None
    """The complete day before it; None for the first."""
    more: bool
    """Whether a second complete day was seen; whoever completes one after this look comes to look as well."""


async def claim_day(connection: AsyncConnection, shards: int) -> Claim:
    """Take the next complete day, waiting for whoever is about to."""
    complete, day, previous = (await _CLAIM_DAY.execute(connection, {}, shards=shards)).one()
    return Claim(day, previous, complete > 1)


async def close_day(connection: AsyncConnection, day: date, previous: date | None) -> None:
    """Write the day's aggregates, and the month's when the day begins a new one."""
    await _CLOSE_DAY.execute(connection, {}, day=day, previous=previous or NO_DAY)
    if previous is not None and (previous.year, previous.month) != (day.year, day.month):
        await _close_month(connection, previous)


async def _close_month(connection: AsyncConnection, month_end: date) -> None:
    before: date | None = (await _LAST_BEFORE_MONTH.execute(connection, {}, day=month_end)).scalar()
    if before is not None:
        for statement in (_MONTHLY_ROLLS, _MONTHLY_CURES):
            await statement.execute(connection, {}, day=month_end, previous=before)
