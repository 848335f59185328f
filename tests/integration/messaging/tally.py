"""A tiny service on the loop, for its tests: it counts how often each repayment took effect and tells of each once.

Repayments whose channel is "poison" carry an amount its table cannot hold. It can also be run as a program of its
own (`python -m tests.integration.messaging.tally`), to be killed.
"""

import asyncio
import os
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Annotated

import sqlalchemy as sa
from fastapi import APIRouter, Query
from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.contracts.banking import BusinessDayClosed, RepaymentReceived
from shared.contracts.delinquency import PortfolioAged
from shared.messaging import Received, Stream, Transaction, tables
from shared.runtime import database
from shared.runtime.main import command_line
from shared.runtime.service import Context, Service
from shared.runtime.settings import Settings
from shared.vocabulary.errors import Rejected, Unavailable

TOPICS = ("banking.billing", "banking.repayments")
CALENDAR = "banking.calendar"
OUT = "delinquency.status"
CLOSE_ROUNDS = 3

DDL = (
    """CREATE TABLE effect (id text PRIMARY KEY, times integer NOT NULL, amount smallint NOT NULL,
                            shard integer NOT NULL, place bigint NOT NULL)""",
    """CREATE TABLE closed (place bigserial PRIMARY KEY, shard integer NOT NULL, business_date date NOT NULL,
                            effects_before bigint NOT NULL)""",
    "CREATE TABLE heard (subject text, shard integer, times integer NOT NULL, PRIMARY KEY (subject))",
    "CREATE TABLE due (shard integer PRIMARY KEY, rounds integer NOT NULL, calls integer NOT NULL)",
)
_APPLY = sa.text(
    """INSERT INTO effect (id, times, amount, shard, place)
       SELECT id, count(*), max(amount), :shard, min(place)
       FROM unnest(:ids, :amounts, :places) AS f (id, amount, place) GROUP BY id
       ON CONFLICT (id) DO UPDATE SET times = effect.times + excluded.times"""
).bindparams(
    sa.bindparam("ids", type_=sa.ARRAY(sa.Text)),
    sa.bindparam("amounts", type_=sa.ARRAY(sa.BigInteger)),
    sa.bindparam("places", type_=sa.ARRAY(sa.BigInteger)),
)
_HEAR = sa.text(
    """INSERT INTO heard SELECT subject, :shard, count(*) FROM unnest(:subjects) AS h (subject) GROUP BY subject
       ON CONFLICT (subject) DO UPDATE SET times = heard.times + excluded.times"""
).bindparams(sa.bindparam("subjects", type_=sa.ARRAY(sa.Text)))
_CLOSE = sa.text(
    """INSERT INTO closed (shard, business_date, effects_before)
       SELECT :shard, :day, count(*) FROM effect WHERE shard = :shard"""
)
_ASK = sa.text(
    """INSERT INTO due VALUES (:shard, :rounds, 0)
       ON CONFLICT (shard) DO UPDATE SET rounds = due.rounds + excluded.rounds"""
)
_WORK = sa.text(
    """INSERT INTO due VALUES (:shard, 0, 1)
       ON CONFLICT (shard) DO UPDATE SET rounds = greatest(0, due.rounds - 1), calls = due.calls + 1
       RETURNING rounds"""
)


class TallySettings(Settings):
    """The loop's settings and the name this copy goes by, so that tests on one broker do not meet."""

    tally_name: str = "tally"
    slow_ms: int = Field(default=0, description="how long each batch pauses between its SQL and its commit")
    idle_s: int = Field(default=30, description="after it the database ends a transaction in which nothing happens")


def create(connection: sa.Connection) -> None:
    """Messaging's tables and the tally's own."""
    tables.create(connection)
    for statement in DDL:
        connection.execute(sa.text(statement))


class Tally:
    """The handlers; tests hang a fault on `before_commit`, called between the SQL and the commit."""

    def __init__(self, slow_ms: int = 0) -> None:
        self.name = ""
        self.slow_ms = slow_ms
        self.batches: list[int] = []

    async def before_commit(self, tx: Transaction, batch: Sequence[Received]) -> None:
        """Nothing, unless a test says otherwise."""

    async def handle(self, batch: Sequence[Received], tx: Transaction) -> None:
        self.batches.append(len(batch))
        for day in (r.data for r in batch if isinstance(r.data, BusinessDayClosed)):
            await tx.connection.execute(_CLOSE, {"shard": tx.shard.partition, "day": day.business_date})
            await tx.connection.execute(_ASK, {"shard": tx.shard.partition, "rounds": CLOSE_ROUNDS})
            tx.wake_work()
        repayments = [r for r in batch if isinstance(r.data, RepaymentReceived)]
        if repayments:
            await self._apply(repayments, tx)
        await self.before_commit(tx, batch)
        if self.slow_ms:
            await asyncio.sleep(self.slow_ms / 1000)

    async def _apply(self, repayments: Sequence[Received], tx: Transaction) -> None:
        await tx.connection.execute(
            _APPLY,
            {
                "shard": tx.shard.partition,
                "ids": [r.data.repayment_id for r in repayments],
                "amounts": [100_000 if r.data.channel == "poison" else 1 for r in repayments],
                "places": [r.record.offset for r in repayments],
            },
        )
        for r in repayments:
            tell(tx, r.data.repayment_id, r.data.account_id)

    async def hear(self, batch: Sequence[Received], tx: Transaction) -> None:
        """The other end: what this copy of the service told of, counted."""
        mine = [r.event.subject for r in batch if r.source_shard and r.source_shard.split(".")[0] == self.name]
        if mine:
            await tx.connection.execute(_HEAR, {"shard": tx.shard.partition, "subjects": mine})

    async def work(self, tx: Transaction) -> bool:
        rounds: int = (await tx.connection.execute(_WORK, {"shard": tx.shard.partition})).scalar_one()
        return rounds > 0


class Held(Tally):
    """Stands still before a commit while it is held."""

    def __init__(self) -> None:
        super().__init__(slow_ms=10)
        self.standing = 0
        self.go = asyncio.Event()
        self.go.set()

    async def before_commit(self, tx: Transaction, batch: Sequence[Received]) -> None:
        self.standing += 1
        await self.go.wait()
        self.standing -= 1


def tell(tx: Transaction, what: str, key: str) -> None:
    """Emit the one event of this service: its subject is all that counts."""
    tx.emit(PortfolioAged(business_date=date(2026, 1, 1), source_shard=0, source_shards=1), subject=what, key=key)


def service(name: str, tally: Tally) -> Service:
    """The tally as a service declares itself."""
    tally.name = name
    streams = (
        Stream("tally", TOPICS, tally.handle, broadcast=(CALENDAR,), work=tally.work),
        Stream("heard", (OUT,), tally.hear),
    )
    return Service(name, streams, router=_router, pending=_pending)


async def _pending(connection: AsyncConnection, _: datetime) -> Mapping[str, int]:
    return {"rounds": (await connection.execute(sa.text("SELECT coalesce(sum(rounds), 0) FROM due"))).scalar_one()}


def _router(context: Context) -> APIRouter:
    router = APIRouter()

    @router.post("/tell/{what}")
    async def told(what: str) -> dict[str, str]:
        async with context.commands.transaction() as tx:
            tell(tx, what, what)
        return {"told": what}

    @router.get("/fail")
    async def fail(how: Annotated[str, Query(max_length=20)]) -> None:
        if how == "rejected":
            raise Rejected("thing_not_found", "there is no such thing")
        if how == "unavailable":
            raise Unavailable("secret host")
        if how == "value":
            async with context.engine.connect() as connection:
                await connection.execute(sa.text("SELECT CAST('x' || 'y' AS integer)"))
        raise RuntimeError("secret detail")

    return router


def _compose(settings: TallySettings) -> Service:
    database.SESSION["idle_in_transaction_session_timeout"] = f"{settings.idle_s}s"
    return service(settings.tally_name, Tally(settings.slow_ms))


if __name__ == "__main__":
    command_line(os.environ.get("ARREARS_TALLY_NAME", "tally"), TallySettings, _compose, Path("unused"))()
