"""Fact on Kafka -> status on Kafka: how long, at half of what ingest can do.

The facts are repayments of overdue accounts; each raises one status, which names the fact. Ingest runs as a program of
its own, without its API. Publisher and listener are this process: the time includes theirs, from the moment a fact is
given to the producer until the listener has the status in its hands.
"""

import itertools
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Final

import orjson
from aiokafka import AIOKafkaConsumer

from tests.bench.facts import Fact, balance, bill, opening, repaid
from tests.bench.ground import STATUS, Ground
from tests.bench.pace import Pace
from tests.bench.percentiles import spread_ms
from tests.bench.under_load import ledger_under_load, meanwhile
from tests.waiting import until

ACCOUNTS: Final = 2_000
TODAY: Final = date(2026, 3, 10)
WARM_UP_FACTS: Final = 4_000
BURST_FACTS: Final = 40_000
WARM_UP_S: Final = 2.0
"""The first seconds of a pace are not counted."""
Figures = dict[str, dict[str, float]]


def book() -> list[Fact]:
    """Accounts that owe one bill, overdue, and today's balance, by which today has begun for them."""
    names = [f"account-{n:05d}" for n in range(ACCOUNTS)]
    due = TODAY - timedelta(days=10)
    bills = [bill(name, "b", due - timedelta(days=20), due, 100_000_000) for name in names]
    return [
        *(opening(name, f"customer-{name}", due - timedelta(days=60)) for name in names), *bills,
        *(balance(name, "e", 100_000_000, TODAY) for name in names),
    ]  # fmt: skip


def repayments() -> Iterator[Fact]:
    """One after the other, round the accounts, for ever."""
    for n in itertools.count():
        yield repaid(f"account-{n % ACCOUNTS:05d}", f"r{n}", TODAY, 100)


@dataclass
class Heard:
    """When the status of each fact was read, and when the transaction that made it had begun: epoch seconds."""

    read_at: dict[str, float] = field(default_factory=dict)
    begun_at: dict[str, float] = field(default_factory=dict)

    async def listen(self, consumer: AIOKafkaConsumer) -> None:
        """Until cancelled."""
        while True:
            found = await consumer.getmany(timeout_ms=1_000)
            now = time.time()
            for record in itertools.chain.from_iterable(found.values()):
                event = orjson.loads(record.value)
                cause = event["data"]["cause"]
                self.read_at.setdefault(cause, now)
                self.begun_at.setdefault(cause, datetime.fromisoformat(event["time"]).timestamp())


@asynccontextmanager
async def _listening(kafka: str) -> AsyncIterator[Heard]:
    heard = Heard()
    consumer = AIOKafkaConsumer(STATUS, bootstrap_servers=kafka, auto_offset_reset="earliest")
    async with consumer, meanwhile(heard.listen(consumer)):
        yield heard


async def _burst_s(place: Ground, facts: list[Fact]) -> float:
    """From when all of them can be read until their statuses are on Kafka."""
    whole = sum((await place.applied()).values()) + len(facts)
    await place.begin(facts)
    begun = time.perf_counter()
    await place.producer.commit_transaction()

    async def done() -> bool:
        return sum((await place.applied()).values()) >= whole and await place.told() >= await place.emitted()

    await until(done, "the burst's last status", 600, 0.01)
    return time.perf_counter() - begun


async def measure(seconds: float, share: float) -> Figures:
    """The most it can do, then the times at a share of that."""
    async with ledger_under_load() as (place, _, steady):
        facts = repayments()
        await _burst_s(place, [*book(), *itertools.islice(facts, WARM_UP_FACTS)])
        burst = list(itertools.islice(facts, BURST_FACTS))
        most = BURST_FACTS / await _burst_s(place, burst)
        ahead = list(itertools.islice(facts, int(most * share * (seconds + WARM_UP_S)) + 1))
        async with _listening(place.kafka) as heard:
            await steady.publish(iter(ahead), most * share, seconds + WARM_UP_S)
            causes = [orjson.loads(value)["id"] for _, _, value in ahead[: len(steady.sent_at)]]
            await until(lambda: causes[-1] in heard.read_at, "the last status", 60)
            await until(lambda: heard.read_at.keys() >= set(causes), "every status", 60)
    return {"fact -> status, most": {"facts_per_s": most}} | _figures(steady, causes, heard)


def _figures(steady: Pace, causes: list[str], heard: Heard) -> Figures:
    counted = [
        (sent, heard.begun_at[cause], heard.read_at[cause])
        for sent, cause in zip(steady.sent_at, causes, strict=True)
        if sent > steady.sent_at[0] + WARM_UP_S
    ]
    times = spread_ms([read - sent for sent, _, read in counted])
    return {
        "fact -> status": {"facts_per_s": steady.per_s} | times,
        "of which until its transaction": spread_ms([begun - sent for sent, begun, _ in counted]),
        "of which from there on": spread_ms([read - begun for _, begun, read in counted]),
    }
