"""Closing a day on which one account in a hundred changes, against assessing every account in SQL.

    python -m tests.bench.day_close [--accounts N] [--months N] [--json FILE]

The close runs as in the service: chunks in transactions of the shard, statuses and outbox included; by one process,
and by two that share the accounts as replicas do, since the SQL too has more than one processor. The SQL has it
easy: bills and repayments lie ready in typed tables, there is one policy, no pause, grace or reversal. It is told
twice: with sums of repayments ready too and what is found in a new table, and as a nightly batch would do it, which
sums repayments up, brings the accounts up to date and keeps and tells what changed.
"""

import asyncio
import multiprocessing
import os
import time
from datetime import timedelta
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Annotated, Any, Final

import sqlalchemy as sa
import typer
import uvloop

from services.ingest import store
from services.ingest.tables import ShardDay
from shared.messaging.autocommit import autocommit
from shared.runtime import logs
from shared.runtime.main import collect_seldom
from tests.bench.portfolio import LIVES, TODAY, Portfolio, opened, portfolio
from tests.bench.printed import printed

PROCESSES: Final = (1, 2)

_READY = """
    CREATE TABLE bench_bill AS
        SELECT 'account-' || lpad(a::text, 9, '0') AS account_id, key AS bill_id, due_on, minor
        FROM generate_series(1, :accounts) AS a JOIN life_fact ON n = a % :lives WHERE kind = 'billed';
    CREATE TABLE bench_paid AS
        SELECT 'account-' || lpad(a::text, 9, '0') AS account_id, sum(minor) AS minor
        FROM generate_series(1, :accounts) AS a JOIN life_fact ON n = a % :lives WHERE kind = 'repaid' GROUP BY 1;
    CREATE TABLE bench_repayment AS
        SELECT 'account-' || lpad(a::text, 9, '0') AS account_id, key AS repayment_id, minor
        FROM generate_series(1, :accounts) AS a JOIN life_fact ON n = a % :lives WHERE kind = 'repaid';
    CREATE TABLE bench_history (account_id text, day date, bucket text, arrears_minor bigint, was text);
    CREATE TABLE bench_told (number bigserial PRIMARY KEY, key text, body json)
"""
_ASSESSED: Final = """
    CREATE TABLE bench_assessed AS
       WITH running AS (
           SELECT account_id, due_on, minor, sum(minor) OVER (PARTITION BY account_id ORDER BY due_on, bill_id) AS upto
           FROM bench_bill),
       overdue AS (
           SELECT account_id, sum(least(running.minor, upto - coalesce(paid.minor, 0))) AS arrears_minor,
                  min(due_on) AS oldest_due_on
           FROM running LEFT JOIN {paid} paid USING (account_id)
           WHERE upto > coalesce(paid.minor, 0) AND due_on < :day GROUP BY account_id)
       SELECT a.account_id, coalesce(o.arrears_minor, 0) AS arrears_minor, :day - o.oldest_due_on AS days_past_due,
              CASE WHEN o.oldest_due_on IS NULL THEN 'current' WHEN :day - o.oldest_due_on < 30 THEN '1-29'
                   WHEN :day - o.oldest_due_on < 60 THEN '30-59' WHEN :day - o.oldest_due_on < 90 THEN '60-89'
                   ELSE '90+' END AS bucket
       FROM account a LEFT JOIN overdue o USING (account_id)
"""
_SUMMED: Final = "(SELECT account_id, sum(minor) AS minor FROM bench_repayment GROUP BY account_id)"
_KEPT: Final = """
    WITH moved AS (
        UPDATE account a SET bucket = s.bucket, arrears_minor = s.arrears_minor
        FROM bench_assessed s, account was
        WHERE s.account_id = a.account_id AND was.account_id = a.account_id
          AND (s.bucket, s.arrears_minor) IS DISTINCT FROM (was.bucket, was.arrears_minor)
        RETURNING a.account_id, a.customer_id, a.bucket, a.arrears_minor, was.bucket AS was),
    kept AS (
        INSERT INTO bench_history SELECT account_id, :day, bucket, arrears_minor, was FROM moved)
    INSERT INTO bench_told (key, body) SELECT customer_id, row_to_json(moved) FROM moved
"""


def _assessed(paid: str) -> str:
    return _ASSESSED.format(paid=paid)


async def closed(book: Portfolio) -> tuple[float, int]:
    """Seconds to close the next day, each shard by a process of its own, and how many accounts changed."""
    apart = multiprocessing.get_context("spawn")
    ready = apart.Barrier(book.shards + 1)
    copies = [apart.Process(target=_close, args=(book.url, n, book.shards, ready)) for n in range(book.shards)]
    for copy in copies:
        copy.start()
    await asyncio.to_thread(ready.wait)
    begun = time.perf_counter()
    for copy in copies:
        await asyncio.to_thread(copy.join)
    close_s = time.perf_counter() - begun
    if any(copy.exitcode for copy in copies):
        raise RuntimeError("a process that closes the day has failed")
    async with book.engine.connect() as connection:
        return close_s, (await connection.execute(sa.text("SELECT count(*) FROM status"))).scalar_one()


def _close(url: str, shard: int, shards: int, ready: Barrier) -> None:
    logs.configure("bench", "warning")
    collect_seldom()
    uvloop.run(_close_shard(url, shard, shards, ready))
    os._exit(0)  # what is timed is the work, not taking the program apart


async def _close_shard(url: str, shard: int, shards: int, ready: Barrier) -> None:
    day = TODAY + timedelta(days=1)
    async with opened(url, shard, shards) as book:
        async with book.engine.begin() as connection:
            await store.set_shard_day(connection, shard, ShardDay(day, TODAY, (day,)))
        ready.wait()
        while await book.work_a_chunk():
            pass


async def made_ready(book: Portfolio, accounts: int) -> None:
    """The tables that the SQL reads."""
    async with book.engine.begin() as connection:
        for statement in _READY.split(";"):
            await connection.execute(sa.text(statement), {"accounts": accounts, "lives": LIVES})
    async with autocommit(book.engine) as connection:
        for table in ("bench_bill", "bench_paid", "bench_repayment", "account"):
            await connection.execute(sa.text(f"VACUUM ANALYZE {table}"))


async def in_sql(book: Portfolio, *statements: str) -> tuple[float, int]:
    """Seconds to assess everybody, and how many rows the last statement made. It is undone, which costs nothing."""
    begun = time.perf_counter()
    async with book.engine.connect() as connection:
        for statement in statements:
            bound = sa.text(statement).bindparams(sa.bindparam("day", TODAY + timedelta(days=1), type_=sa.Date))
            made = (await connection.execute(bound)).rowcount
        return time.perf_counter() - begun, made


async def measure(accounts: int, months: int) -> dict[str, dict[str, Any]]:
    """All on the same accounts."""
    figures: dict[str, dict[str, Any]] = {}
    for processes in PROCESSES:
        async with portfolio(accounts, months, with_facts=False, shards=processes) as book:
            await made_ready(book, accounts)
            easy_s, _ = await in_sql(book, _assessed("bench_paid"))
            nightly_s, moved = await in_sql(book, _assessed(_SUMMED), _KEPT)
            close_s, changed = await closed(book)
        figures[f"{processes} process(es)"] = {
            "day close, s": close_s,
            "all in SQL, s": easy_s,
            "a nightly batch in SQL, s": nightly_s,
            "accounts changed": changed,
            "by the batch": moved,
            "all in SQL / day close": easy_s / close_s,
            "nightly batch / day close": nightly_s / close_s,
        }
    return figures


def main(
    accounts: Annotated[int, typer.Option(min=LIVES)] = 1_000_000,
    months: Annotated[int, typer.Option(min=2, help="behind each account")] = 12,
    json_file: Annotated[Path | None, typer.Option("--json", help="write the figures here too")] = None,
) -> None:
    """Measure and print."""
    logs.configure("bench", "warning")
    collect_seldom()
    printed(f"day close, {accounts:,} accounts of {months} months", uvloop.run(measure(accounts, months)), json_file)


if __name__ == "__main__":
    typer.run(main)
