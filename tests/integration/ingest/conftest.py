"""Ingest on a real database: its handlers called as the loop calls them, its events read from the outbox."""

from collections.abc import AsyncIterator, Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

import httpx
import pytest_asyncio
import sqlalchemy as sa
from fastapi import FastAPI
from sqlalchemy.ext.asyncio import AsyncEngine

from services.ingest import api, policy_api, tables
from services.ingest.handlers import Handlers
from services.ingest.packs import load
from services.ingest.policies import Policies
from shared.contracts.envelope import Event, decode
from shared.contracts.fields import Contract
from shared.messaging import Commands, Received, ShardId, Transaction, store
from shared.messaging.commands import COMMANDS
from shared.messaging.relay import Relay
from shared.messaging.stream import Record
from shared.runtime import database as runtime
from shared.runtime import problems
from shared.runtime.clock import SimulatedClock
from tests.conftest import DatabaseFactory
from tests.schemas import empty, migrated

SHARD = ShardId("accounts", 0)
COUNTS = {"delinquency.status": 2, "stream:accounts": 1}
Told = tuple[Contract, datetime]
"""A fact and the instant it was recorded."""


class Ledgers:
    """One ingest shard without Kafka: batches in, status events out."""

    def __init__(self, engine: AsyncEngine, http: httpx.AsyncClient, chunk: int = 2) -> None:
        self.engine = engine
        self.http = http
        self.policies = Policies(load())
        self.handlers = Handlers(self.policies, simulated_clock=False, accounts_max=chunk)
        self.now = datetime(2026, 1, 1, tzinfo=UTC)
        self.rejected: list[str] = []
        self.duplicates = 0

    async def take(self, facts: Iterable[Told]) -> None:
        """One batch, and the day closes it asks for."""
        batch = [received(data, at, number) for number, (data, at) in enumerate(facts)]
        woken = False
        async with self.engine.begin() as connection:
            tx = await self.transaction(connection)
            await self.handlers.facts(batch, tx)
            self.rejected += [letter.reason for letter in tx._letters]
            self.duplicates += tx._counters["duplicate"]
            woken = tx.work_woken
            # What the loop adds to it is proved elsewhere; here the outbox must show ingest's own events alone.
            tx._letters.clear()
            await tx.finish()
        while woken:
            woken = await self.work_a_chunk()

    async def clear(self) -> None:
        """Empty every table."""
        async with self.engine.begin() as connection:
            await empty(connection)

    async def work_a_chunk(self) -> bool:
        """One transaction of a day close or a re-assessment."""
        async with self.engine.begin() as connection:
            tx = await self.transaction(connection)
            more = await self.handlers.work(tx)
            await tx.finish()
        return more

    async def transaction(self, connection: Any) -> Transaction:
        """The shard's next transaction, each a second after the one before."""
        await store.ensure(connection, SHARD)
        state = await store.lock(connection, SHARD)
        self.now += timedelta(seconds=1)
        return Transaction(connection, "ingest", SHARD, state, COUNTS, self.now)

    async def told(self) -> list[Any]:
        """The data of every event so far, in order."""
        async with self.engine.connect() as connection:
            rows = await store.read_outbox(connection, SHARD, 0, 100_000)
        return [decode("delinquency.status", row.value).data for row in rows]

    async def rows(self) -> list[dict[str, Any]]:
        """Each account's assessed columns."""
        statement = sa.select(tables.account).order_by(tables.account.c.account_id)
        async with self.engine.connect() as connection:
            return [dict(row._mapping) for row in await connection.execute(statement)]


def received(data: Contract, at: datetime, number: int) -> Received:
    """A fact as the loop hands it over."""
    event: Event[Any] = Event(f"e{number}", "core", "test", None, at, data)
    return Received(event, Record("banking.billing", 0, number, None, b"{}"))


def noon(day: date) -> datetime:
    """An instant of that day."""
    return datetime(day.year, day.month, day.day, 12, tzinfo=UTC)


@pytest_asyncio.fixture(scope="module")
async def ingest_url(database: DatabaseFactory) -> str:
    """A migrated schema."""
    return await migrated("ingest", database)


@pytest_asyncio.fixture
async def ledgers(ingest_url: str) -> AsyncIterator[Ledgers]:
    """The shard, emptied, and the API."""
    engine = runtime.engine_of(ingest_url, 5)
    app = FastAPI()
    problems.install(app)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://ingest") as http:
        ledgers = Ledgers(engine, http)
        await ledgers.clear()
        context: Any = Context(ledgers)
        await context.commands.prepare()
        for routes in (api, policy_api):
            app.include_router(routes.router(context, ledgers.policies))
        yield ledgers
    await engine.dispose()


class Context:
    """What the routers need of a process."""

    counts: Mapping[str, int] = COUNTS

    def __init__(self, ledgers: Ledgers) -> None:
        self.engine, self.clock = ledgers.engine, SimulatedClock()
        relay = Relay(ledgers.engine, Nowhere(), "ingest", COMMANDS)  # type: ignore[arg-type]  # nothing is relayed here
        self.commands = Commands(ledgers.engine, relay, "ingest", dict(COUNTS), self.clock)

    def wake_work(self) -> None:
        """Tests call the shard's work themselves."""


class Nowhere:
    """A publisher that nobody calls."""
