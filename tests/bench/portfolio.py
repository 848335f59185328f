"""A large portfolio in ingest's own database, without waiting for it to be folded fact by fact.

A few lives are folded by the domain; every account is a copy of one of them, made by the database.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final

import orjson
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from services.ingest.accounts import row_of
from services.ingest.domain import facts as f
from services.ingest.domain.account import Account, HistoryNeeded, age, apply
from services.ingest.handlers import Handlers
from services.ingest.packs import load
from services.ingest.policies import Policies
from shared.messaging import ShardId, Transaction, store
from shared.messaging.autocommit import autocommit
from shared.runtime import database
from tests.parts import chosen_parts, new_database
from tests.schemas import migrate

LIVES: Final = 100
"""One of them changes on the day that closes."""
TODAY: Final = date(2026, 1, 1)

_TEMPLATES = """
    CREATE UNLOGGED TABLE life (n int PRIMARY KEY, folded text, customer_id text, product text, currency text,
        policy text, state text, bucket text, arrears_minor bigint, exposure_minor bigint, version bigint, packs text,
        next_transition_on date);
    CREATE UNLOGGED TABLE life_fact (n int, place int, kind text, key text, body text, currency text, due_on date,
        minor bigint)
"""
_ACCOUNTS = """
    INSERT INTO account (account_id, shard, folded, waiting, customer_id, product, currency, policy, state, bucket,
                         arrears_minor, exposure_minor, version, packs, next_transition_on)
    SELECT 'account-' || lpad(a::text, 9, '0'), a / :lives % :shards, folded, 0, customer_id, product, currency, policy,
           state, bucket, arrears_minor, exposure_minor, version, packs, next_transition_on
    FROM generate_series(1, :accounts) AS a JOIN life ON n = a % :lives
"""
# As they arrive: month by month for all accounts, so that an account's facts lie far from each other.
_FACTS = """
    INSERT INTO fact (account_id, kind, key, body, currency, event_id, recorded_at, known_at)
    SELECT 'account-' || lpad(a::text, 9, '0'), kind, key, body, currency, 'e', '2025-01-01', '2025-01-01'
    FROM generate_series(1, :accounts) AS a JOIN life_fact ON n = a % :lives AND place = :place
"""

_COLUMNS: Final = (
    "n", "folded", "customer_id", "product", "currency", "policy", "state", "bucket", "arrears_minor",
    "exposure_minor", "version", "packs", "next_transition_on",
)  # fmt: skip
_LIFE: Final = sa.table("life", *[sa.column(name) for name in _COLUMNS])


@dataclass(frozen=True)
class Portfolio:
    """The database and the work of one of the shards that own its accounts."""

    engine: AsyncEngine
    url: str
    policies: Policies
    handlers: Handlers
    shard: int = 0
    shards: int = 1

    async def work_a_chunk(self) -> bool:
        """One transaction of the shard's own work."""
        async with self.engine.begin() as connection:
            tx = await self.transaction(connection)
            more = await self.handlers.work(tx)
            await tx.finish()
        return more

    async def transaction(self, connection: AsyncConnection) -> Transaction:
        """As the loop opens it."""
        shard = ShardId("accounts", self.shard)
        counts = {"delinquency.status": 2, "stream:accounts": self.shards}
        await store.ensure(connection, shard)
        state = await store.lock(connection, shard)
        return Transaction(connection, "ingest", shard, state, counts, datetime.now(UTC))


@asynccontextmanager
async def opened(url: str, shard: int = 0, shards: int = 1, chunk: int = 2_000) -> AsyncIterator[Portfolio]:
    """What is filled already."""
    engine, policies = database.engine_of(url, 3), Policies(load())
    try:
        yield Portfolio(engine, url, policies, Handlers(policies, False, chunk), shard, shards)
    finally:
        await engine.dispose()


@asynccontextmanager
async def portfolio(accounts: int, months: int, with_facts: bool, shards: int = 1) -> AsyncIterator[Portfolio]:
    """So many accounts, each with so many months behind it."""
    parts = chosen_parts(durable=True)
    try:
        url = await parts.postgres_url("ingest", await new_database(parts), "postgresql+asyncpg")
        await migrate("ingest", url)
        async with opened(url, 0, shards) as book:
            await fill(book.engine, accounts, months, shards, with_facts)
            yield book
    finally:
        await parts.stop()


async def fill(engine: AsyncEngine, accounts: int, months: int, shards: int, with_facts: bool) -> None:
    """Lives, then copies of them."""
    lives = [life(n, months) for n in range(LIVES)]
    async with engine.begin() as connection:
        for statement in _TEMPLATES.split(";"):
            await connection.execute(sa.text(statement))
        await connection.execute(sa.insert(_LIFE), [_stored(n, account) for n, (account, _) in enumerate(lives)])
        await connection.execute(
            sa.text("INSERT INTO life_fact VALUES (:n, :place, :kind, :key, :body, :currency, :due_on, :minor)"),
            [_stored_fact(n, place, fact) for n, (_, facts) in enumerate(lives) for place, fact in enumerate(facts)],
        )
        await connection.execute(sa.text(_ACCOUNTS), {"accounts": accounts, "lives": LIVES, "shards": shards})
        if with_facts:
            for place in range(max(len(facts) for _, facts in lives)):
                await connection.execute(sa.text(_FACTS), {"accounts": accounts, "lives": LIVES, "place": place})
        days = "INSERT INTO shard_day SELECT n, :day, :day, '{}' FROM generate_series(0, :shards - 1) AS n"
        await connection.execute(sa.text(days), {"day": TODAY, "shards": shards})
    async with autocommit(engine) as connection:
        await connection.execute(sa.text("VACUUM ANALYZE account"))
        await connection.execute(sa.text("VACUUM ANALYZE fact"))
    await asyncio.sleep(0)


def life(number: int, months: int) -> tuple[Account, Sequence[f.Fact]]:
    """Bills and repayments by the month; one in ten is a bill behind, and the first one's last bill is due today."""
    account, past = Account.new("a", load().rules), list[f.Fact]()

    def fed(fact: f.Fact, on: date) -> None:
        try:
            apply(account, fact, on, "e")
        except HistoryNeeded:
            apply(account, fact, on, "e", [(one, on) for one in past])
        past.append(fact)

    begins = TODAY - timedelta(days=30 * months)
    fed(f.Opened("c", "loan", "EUR", "instalment", ("ifrs9",), begins, None, 500_000), begins)
    for month in range(months):
        due = begins + timedelta(days=30 * month + 10 + number % 7)
        issued = due - timedelta(days=10)
        fed(f.Billed(f"b{month}", "instalment", 10_000, issued, due), issued)
        if number % 10 or month < months - 1:
            fed(f.Repaid(f"r{month}", 10_000, due), due)
        fed(f.Balance(f"e{month}", 500_000 - 9_000 * month, due), due)
    ahead = 0 if number == 0 else 5 + number % 20
    fed(f.Billed("last", "instalment", 10_000, TODAY - timedelta(days=9), TODAY + timedelta(days=ahead)), TODAY)
    if account.assessment and account.assessment.next_transition_on and account.assessment.next_transition_on <= TODAY:
        age(account, TODAY, "ageing", [(one, TODAY) for one in past])
    return account, past


def _stored(number: int, account: Account) -> dict[str, object]:
    row = row_of(account, 0)._asdict()
    return {"n": number} | {name: row[name] for name in _COLUMNS[1:]}


def _stored_fact(number: int, place: int, fact: f.Fact) -> dict[str, object]:
    amount = fact.amount_minor if isinstance(fact, (f.Billed, f.Repaid)) else None
    due_on = fact.due_on if isinstance(fact, f.Billed) else None
    body, currency = orjson.dumps(f.pack(fact)).decode(), None if isinstance(fact, f.Opened) else "EUR"
    row = {"n": number, "place": place, "kind": fact.kind, "key": fact.key, "body": body, "currency": currency}
    return {**row, "due_on": due_on, "minor": amount}
