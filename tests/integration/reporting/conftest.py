"""Reporting on a real database: its handlers called as the loop calls them, its answers read through the API."""

from collections.abc import AsyncIterator, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest_asyncio
from fastapi import FastAPI
from sqlalchemy.ext.asyncio import AsyncEngine

from services.reporting.api import build_router
from services.reporting.handlers import apply_accounts, apply_customers, close_days
from shared.contracts.envelope import Event
from shared.contracts.fields import Contract
from shared.messaging import Received, ShardId, Transaction, store
from shared.messaging.stream import Record
from shared.runtime import database as runtime
from shared.runtime import problems
from tests.conftest import DatabaseFactory
from tests.schemas import empty, migrated

PARTITIONS = 2
COUNTS = {"stream:customers": PARTITIONS, "stream:accounts": PARTITIONS}
HANDLERS = {"customers": apply_customers, "accounts": apply_accounts}


class Reporting:
    """One store without Kafka: batches in, metrics out."""

    def __init__(self, engine: AsyncEngine, http: httpx.AsyncClient) -> None:
        self.engine = engine
        self.http = http
        self.rejected: list[str] = []

    async def take(
        self, events: Iterable[Contract], *, stream: str = "customers", partition: int = 0, source: int | None = 0
    ) -> None:
        """One batch of one shard, and the days it completes."""
        batch = [received(event, source) for event in events]
        if await self._transact(ShardId(stream, partition), batch):
            while await self._transact(ShardId(stream, partition), None):
                pass

    async def _transact(self, shard: ShardId, batch: Sequence[Received] | None) -> bool:
        async with self.engine.begin() as connection:
            await store.ensure(connection, shard)
            state = await store.lock(connection, shard)
            tx = Transaction(connection, "reporting", shard, state, COUNTS, datetime(2026, 1, 1, tzinfo=UTC))
            if batch is None:
                return await close_days(tx)
            await HANDLERS[shard.stream](batch, tx)
            self.rejected += [letter.reason for letter in tx._letters]
            return tx.work_woken

    async def metric(self, name: str, **parameters: str) -> list[dict[str, Any]]:
        """The rows of a metric; `since` and `until` stand for the period, whose first name is taken in Python."""
        names = {"since": "from", "until": "to"}
        response = await self.http.get(
            f"/metrics/{name}", params={names.get(key, key): value for key, value in parameters.items()}
        )
        assert response.status_code == 200, response.text
        rows: list[dict[str, Any]] = response.json()["rows"]
        return rows

    async def portfolio(self) -> dict[str, Any]:
        """The totals, closed and now."""
        answer: dict[str, Any] = (await self.http.get("/portfolio")).json()
        return answer


def received(data: Contract, source: int | None) -> Received:
    """An event as the loop hands it over, from that ingest shard."""
    event: Event[Any] = Event("1", "test", "test", None, datetime(2026, 1, 1, tzinfo=UTC), data)
    name = None if source is None else f"ingest.accounts.{source}"
    return Received(event, Record("test", 0, 0, None, None), name, 1)


@pytest_asyncio.fixture(scope="module")
async def reporting_url(database: DatabaseFactory) -> str:
    """A migrated store."""
    return await migrated("reporting", database)


@pytest_asyncio.fixture
async def reporting(reporting_url: str) -> AsyncIterator[Reporting]:
    """The store, emptied, its handlers and its API."""
    engine = runtime.engine_of(reporting_url, 5)
    async with engine.begin() as connection:
        await empty(connection)
    app = FastAPI()
    problems.install(app)
    app.include_router(build_router(engine))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://reporting") as http:
        yield Reporting(engine, http)
    await engine.dispose()
