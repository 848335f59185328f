"""Real fines and cards through Kafka and the whole ingest service: its database has the figures of the reference.

A share of the accounts by default, held against the function; all of them, held against the reference too, where
ARREARS_TEST_WHOLE is set (`make real-data`).
"""

import asyncio
import json
import os
import signal
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime, time
from itertools import pairwise
from typing import Any, Final

import httpx
import pytest
import pytest_asyncio
import sqlalchemy as sa
from aiokafka import AIOKafkaProducer
from sqlalchemy.ext.asyncio import AsyncEngine

from deploy.local.ports import free_port
from deploy.topics import create_topics
from services.ingest import tables, translate
from services.ingest.domain import facts as f
from services.ingest.domain.policy import Rules
from services.ingest.packs import load
from shared.contracts.banking import BusinessDayClosed
from shared.contracts.envelope import encode
from shared.contracts.fields import Contract
from shared.contracts.topics import TOPIC_OF
from shared.runtime import database as runtime
from tests.conftest import DatabaseFactory
from tests.realdata import cards as card_data
from tests.realdata import fines as fine_data
from tests.realdata.figures import Standing, fines_as_of, outcomes
from tests.realdata.test_cards import outcome
from tests.realdata.test_fines import standing
from tests.realdata.wire import contract
from tests.schemas import migrated
from tests.shared_data import shared_data

WHOLE: Final = bool(os.environ.get("ARREARS_TEST_WHOLE"))
EVERY: Final = 1 if WHOLE else 20
PARTITIONS: Final = 2
OVER_A_YEAR: Final = "366+"
"""The reference writes >365, which is no name of a range."""
ANY_RULES: Final = load().rules("instalment", ())
PATIENCE_S: Final = 900 if WHOLE else 90
pytestmark = pytest.mark.timeout(3 * PATIENCE_S)

Told = tuple[date, str, f.Fact]
"""The day a fact is told, of which account."""


class System:
    """One ingest service on its own broker and database, and the core banking that talks to it."""

    def __init__(
        self, program: Process, engine: AsyncEngine, producer: AIOKafkaProducer, http: httpx.AsyncClient
    ) -> None:
        self._program = program
        self._engine = engine
        self._producer = producer
        self._http = http
        self._told = 0

    async def adopt(self, name: str, pack: dict[str, Any]) -> None:
        """A lender's own pack, drafted by one person and activated by another."""
        await self._until(self._ready)
        drafted = await self._http.put(f"/policies/{name}", json={"actor": "one", "pack": pack})
        assert drafted.is_success, drafted.text
        path = f"/policies/{name}/versions/{drafted.json()['version']}/activate"
        activated = await self._http.post(path, json={"actor": "other"})
        assert activated.is_success, activated.text

    async def tell(self, told: Iterable[Told], currency: str) -> None:
        """Publish facts, and wait until the ledgers hold them all."""
        for on, account_id, fact in told:
            await self._send(contract(fact, account_id, currency), account_id.encode(), on)
        await self._producer.flush()
        await self._until(self._has_all)

    async def close(self, day: date) -> None:
        """Close a business day, and wait until every account is aged to it."""
        await self._send(BusinessDayClosed(business_date=day), None, day)
        await self._producer.flush()
        await self._until(lambda: self._aged_to(day))

    async def rows(self, product: str) -> list[dict[str, Any]]:
        """Each account of a product as the service keeps it."""
        found = sa.select(tables.account).where(tables.account.c.product == product)
        async with self._engine.connect() as connection:
            return [dict(row._mapping) for row in await connection.execute(found)]

    async def accounts_with(self, kind: str, key: str) -> set[str]:
        """Accounts of which a fact of that kind and key is kept."""
        found = sa.select(tables.fact.c.account_id).where(tables.fact.c.kind == kind, tables.fact.c.key == key)
        async with self._engine.connect() as connection:
            return set(await connection.scalars(found))

    async def _send(self, data: Contract, key: bytes | None, on: date) -> None:
        at = datetime.combine(on, time(20), UTC)
        value = encode(data, event_id=f"real-{self._told}", source="test", subject=None, time=at)
        await self._producer.send(TOPIC_OF[type(data)].name, value, key=key)
        self._told += key is not None

    async def _has_all(self) -> bool:
        async with self._engine.connect() as connection:
            kept = await connection.scalar(sa.select(sa.func.count()).select_from(tables.fact))
            waiting = await connection.scalar(sa.select(sa.func.coalesce(sa.func.sum(tables.account.c.waiting), 0)))
        return kept == self._told and waiting == 0

    async def _aged_to(self, day: date) -> bool:
        async with self._engine.connect() as connection:
            aged = list(await connection.scalars(sa.select(tables.shard_day.c.aged_to)))
        return len(aged) == PARTITIONS and min(aged) >= day

    async def _ready(self) -> bool:
        try:
            return (await self._http.get("/health/ready")).is_success
        except httpx.TransportError:
            return False

    async def _until(self, reached: Any) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while not await reached():
                assert self._program.returncode is None, "the service has ended"
                await asyncio.sleep(0.2)


@pytest_asyncio.fixture
async def system(own_kafka: str, database: DatabaseFactory) -> AsyncIterator[System]:
    """A fresh service with empty ledgers."""
    url = await migrated("ingest", database)
    await create_topics(own_kafka, PARTITIONS)
    port, engine = free_port(), runtime.engine_of(url, 2)
    producer = AIOKafkaProducer(bootstrap_servers=own_kafka, linger_ms=20)
    await producer.start()
    async with (
        running(url, own_kafka, port) as program,
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as http,
    ):
        yield System(program, engine, producer, http)
    await producer.stop()
    await engine.dispose()


@asynccontextmanager
async def running(url: str, bootstrap: str, port: int) -> AsyncIterator[Process]:
    """`python -m services.ingest` until the block ends."""
    settings = {"ARREARS_DATABASE_URL": url, "ARREARS_KAFKA_BOOTSTRAP": bootstrap, "ARREARS_HTTP_PORT": str(port)}
    program = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "services.ingest", env=os.environ | settings, stdout=asyncio.subprocess.DEVNULL
    )
    try:
        yield program
    finally:
        if program.returncode is None:
            program.send_signal(signal.SIGTERM)
        await program.wait()


def _any_rules(*_: object) -> Rules:
    """To read what a stored ledger holds open, any will do."""
    return ANY_RULES


def own_pack() -> dict[str, Any]:
    """Instalments, in the reference's buckets."""
    bounds = [
        ("current", 0),
        ("1-30", 1),
        ("31-60", 31),
        ("61-90", 61),
        ("91-180", 91),
        ("181-365", 181),
        (OVER_A_YEAR, 366),
    ]
    last = [begins - 1 for _, begins in bounds[1:]]
    ranges: list[dict[str, Any]] = [{"name": name, "from": begins} for name, begins in bounds]
    for one, ends in zip(ranges, last, strict=False):
        one["to"] = ends
    return {"ageing": {"surplus": "carries_forward", "overdue": "day_after", "buckets": ranges}}


def reference(data: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(shared_data("reference.json").read_text())[data]
    return found


async def test_real_data_through_kafka(system: System) -> None:
    """One lender has both, so that days are closed in order: the cards' summer lies between the first fines' dates."""
    everything = fine_data.read_fines(shared_data(fine_data.FILE))
    fines = {id_: fine for n, (id_, fine) in enumerate(everything.items()) if n % EVERY == 0}
    cards = card_data.read_cards(shared_data(card_data.FILE))[::EVERY]
    await system.adopt("fines", own_pack())
    first, *later = [date.fromisoformat(day) for day in reference("traffic_fines_sample")["asof"]]
    await _fines_up_to(system, fines, date.min, first)
    for month in card_data.MONTHS:
        await _cards_of(system, cards, month)
    for since, day in pairwise([first, *later]):
        await _fines_up_to(system, fines, since, day)


async def _fines_up_to(system: System, fines: dict[str, fine_data.Fine], since: date, day: date) -> None:
    """Tells what happened since, closes the day, and compares."""
    await system.tell([told for told in fine_data.facts_in_order(fines) if since < told[0] <= day], "EUR")
    await system.close(day)
    found = fines_as_of([_standing(row, fines, day) for row in await system.rows("fine")])
    assert found == fines_as_of(s for s in (standing(fine, day) for fine in fines.values()) if s is not None)
    if WHOLE:
        assert found == reference("traffic_fines_sample")["asof"][day.isoformat()]


async def _cards_of(system: System, cards: list[card_data.Card], month: int) -> None:
    """Tells a month; once its repayments are in, asks what became of the statement before."""
    facts = [(fact.effective_on, card.id, fact) for card in cards for fact in card.told_in(month)]
    end, statement = card_data.statement_on(month), month - 1
    await system.tell([told for told in facts if told[0] < end], "TWD")
    if statement in card_data.MONTHS:
        await system.close(card_data.asked_on(statement))
        billed = await system.accounts_with("billed", card_data.bill_of(statement))
        found = outcomes(_outcome(row, statement, billed) for row in await system.rows("card"))
        assert found == outcomes(outcome(card, statement) for card in cards)
        if WHOLE:
            assert found == reference("uci_credit_card_10000")["outcome"][f"{card_data.YEAR}-{statement:02}"]
    await system.tell([told for told in facts if told[0] == end], "TWD")


def _standing(row: dict[str, Any], fines: dict[str, fine_data.Fine], day: date) -> Standing:
    """From what the service keeps: its bucket and arrears, and the obligations it holds open."""
    ledger = translate.account(row["account_id"], row["folded"], _any_rules).ledger
    open_minor = sum(due.amount_minor - due.paid_minor for due in ledger.open) - ledger.surplus_minor
    placed_on = fines[row["account_id"]].placed_on
    bucket = ">365" if row["bucket"] == OVER_A_YEAR else row["bucket"]
    return Standing(open_minor, row["arrears_minor"], bucket, placed_on is not None and placed_on <= day)


def _outcome(row: dict[str, Any], month: int, billed: set[str]) -> tuple[str, int]:
    """What became of a statement, from the obligations that the service holds open."""
    if row["account_id"] not in billed:
        return "no_bill", 0
    ledger = translate.account(row["account_id"], row["folded"], _any_rules).ledger
    due = next((due for due in ledger.open if due.id == card_data.bill_of(month)), None)
    if due is None:
        return "full", 0
    return "part" if due.paid_minor else "missed", row["arrears_minor"]
