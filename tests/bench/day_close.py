"""Closing a day on which one account in a hundred changes, against assessing every account in SQL.

    python -m tests.bench.day_close [--accounts N] [--json FILE]

The close runs as in the service: chunks in transactions of the shard, statuses and outbox included. The SQL has it
easy: bills and sums of repayments lie ready in typed tables, there is one policy, no pause, grace or reversal, and
what it finds goes to a new table without history or events.
"""

import time
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Final

import sqlalchemy as sa
import typer
import uvloop

from services.ingest import store
from services.ingest.tables import ShardDay
from shared.runtime import logs
from shared.runtime.main import collect_seldom
from tests.bench.portfolio import LIVES, TODAY, Portfolio, portfolio
from tests.bench.printed import printed

MONTHS: Final = 4
_READY = """
    CREATE TABLE bench_bill AS
        SELECT 'account-' || lpad(a::text, 9, '0') AS account_id, key AS bill_id, due_on, minor
        FROM generate_series(1, :accounts) AS a JOIN life_fact ON n = a % :lives WHERE kind = 'billed';
    CREATE TABLE bench_paid AS
        SELECT 'account-' || lpad(a::text, 9, '0') AS account_id, sum(minor) AS minor
        FROM generate_series(1, :accounts) AS a JOIN life_fact ON n = a % :lives WHERE kind = 'repaid' GROUP BY 1
"""
_ASSESS_ALL = sa.text(
    """CREATE TABLE bench_assessed AS
       WITH running AS (
           SELECT account_id, due_on, minor, sum(minor) OVER (PARTITION BY account_id ORDER BY due_on, bill_id) AS upto
           FROM bench_bill),
       overdue AS (
           SELECT account_id, sum(least(running.minor, upto - coalesce(paid.minor, 0))) AS arrears_minor,
                  min(due_on) AS oldest_due_on
           FROM running LEFT JOIN bench_paid paid USING (account_id)
           WHERE upto > coalesce(paid.minor, 0) AND due_on < :day GROUP BY account_id)
       SELECT a.account_id, coalesce(o.arrears_minor, 0) AS arrears_minor, :day - o.oldest_due_on AS days_past_due,
              CASE WHEN o.oldest_due_on IS NULL THEN 'current' WHEN :day - o.oldest_due_on < 30 THEN '1-29'
                   WHEN :day - o.oldest_due_on < 60 THEN '30-59' WHEN :day - o.oldest_due_on < 90 THEN '60-89'
                   ELSE '90+' END AS bucket
       FROM account a LEFT JOIN overdue o USING (account_id)"""
).bindparams(sa.bindparam("day", type_=sa.Date))


async def closed(book: Portfolio) -> float:
    """Seconds to close the next day."""
    day = TODAY + timedelta(days=1)
    async with book.engine.begin() as connection:
        await store.set_shard_day(connection, 0, ShardDay(day, TODAY, (day,)))
    begun = time.perf_counter()
    while await book.work_a_chunk():
        pass
    return time.perf_counter() - begun


async def assessed_in_sql(book: Portfolio, accounts: int) -> float:
    """Seconds to assess everybody."""
    async with book.engine.begin() as connection:
        for statement in _READY.split(";"):
            await connection.execute(sa.text(statement), {"accounts": accounts, "lives": LIVES})
    async with book.engine.connect() as connection:
        await connection.execution_options(isolation_level="AUTOCOMMIT")
        await connection.execute(sa.text("VACUUM ANALYZE bench_bill"))
        await connection.execute(sa.text("VACUUM ANALYZE bench_paid"))
    begun = time.perf_counter()
    async with book.engine.begin() as connection:
        await connection.execute(_ASSESS_ALL, {"day": TODAY + timedelta(days=1)})
    return time.perf_counter() - begun


async def measure(accounts: int) -> dict[str, dict[str, Any]]:
    """Both on the same accounts."""
    async with portfolio(accounts, MONTHS, with_facts=False) as book:
        close_s, sql_s = await closed(book), await assessed_in_sql(book, accounts)
        async with book.engine.connect() as connection:
            changed = (await connection.execute(sa.text("SELECT count(*) FROM status"))).scalar_one()
    return {
        "day close": {"seconds": close_s, "accounts_changed": changed, "changed_per_s": changed / close_s},
        "all in SQL": {"seconds": sql_s},
        "ratios": {"all in SQL / day close": sql_s / close_s},
    }


def main(
    accounts: Annotated[int, typer.Option(min=LIVES)] = 1_000_000,
    json_file: Annotated[Path | None, typer.Option("--json", help="write the figures here too")] = None,
) -> None:
    """Measure and print."""
    logs.configure("bench", "warning")
    collect_seldom()
    printed(f"day close, {accounts:,} accounts", uvloop.run(measure(accounts)), json_file)


if __name__ == "__main__":
    typer.run(main)
