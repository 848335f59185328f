"""The whole system for benches: every service a process of its own, on a Tuesday morning that does not pass.

The clock stands still so that lawful hours do not depend on when a bench runs; every case gets the strategy `prompt`,
which decides on every change.
"""

import itertools
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import httpx

from deploy.local.environments import Options
from deploy.local.supervisor import LocalSystem
from shared.contracts import banking
from tests.bench.facts import Fact, balance, bill, customer, opening, repaid
from tests.e2e.crowd import record
from tests.e2e.doors import Doors, Message, Places, eventually

TODAY: Final = date(2026, 3, 10)
MORNING: Final = datetime.combine(TODAY, time(9, 30), UTC)
DUE: Final = TODAY - timedelta(days=3)
ISSUED: Final = TODAY - timedelta(days=17)
QUIET_S_MAX: Final = 900.0
CHUNK: Final = 2_000
PARTITIONS: Final = 2


@dataclass
class Gateway:
    """The SMS gateway's window."""

    url: str
    client: httpx.AsyncClient

    async def count(self) -> int:
        """Messages it got so far."""
        return int((await self._get("/pending"))["received"])

    async def until(self, messages: int) -> None:
        """Wait until it got so many."""

        async def all_there() -> bool:
            return await self.count() >= messages

        await eventually(all_there, f"{messages} messages at the gateway", QUIET_S_MAX)

    async def arrivals(self, after: int) -> dict[str, float]:
        """Number -> epoch seconds of arrival, of what came after the first so many messages."""
        shown = (await self._get(f"/messages?after={after}"))["messages"]
        return {one["to"]: datetime.fromisoformat(one["received_at"]).timestamp() for one in shown}

    async def _get(self, path: str) -> Any:
        return (await self.client.get(self.url + path)).raise_for_status().json()


@dataclass
class Whole:
    """A running system and its front doors; `people` counts those who are known to it."""

    system: LocalSystem
    doors: Doors
    gateway: Gateway
    people: int = 0

    async def open(self, people: int) -> range:
        """So many more customers with an account each, which owes nothing and has begun today; all of it taken in."""
        fresh = range(self.people, self.people + people)
        self.people += people
        await self.publish(fact for n in fresh for fact in _opened(n))
        await self.doors.quiet()
        return fresh

    async def publish(self, facts: Iterable[Fact]) -> None:
        """As fast as it goes."""
        waiting = iter(facts)
        while some := [message(one) for one in itertools.islice(waiting, CHUNK)]:
            await self.doors.publish(some)


def _opened(n: int) -> Sequence[Fact]:
    account, who = account_of(n), customer_of(n)
    opened = opening(account, who, ISSUED - timedelta(days=30))
    return customer(who, mobile_of(n), TODAY), opened, balance(account, "e", 480_000, TODAY)


def overdue_bill(n: int, key: str = "b") -> Fact:
    """A bill that comes when its due date has passed: the account owes from this fact on."""
    return bill(account_of(n), key, ISSUED, DUE)


def paid(n: int, key: str = "r") -> Fact:
    """That bill's repayment: the account is cured."""
    return repaid(account_of(n), key, TODAY)


def account_of(n: int) -> str:
    return f"A-{n:07d}"


def customer_of(n: int) -> str:
    return f"C-{n:07d}"


def mobile_of(n: int) -> str:
    """The n-th customer's; the local gateway delivers to all of them."""
    return f"+336{n:07d}0"


def message(fact: Fact) -> Message:
    """As the doors take it."""
    topic, key, value = fact
    return Message(topic, key.encode(), value)


@asynccontextmanager
async def whole_system() -> AsyncIterator[Whole]:
    """It runs, in a folder that goes with it, and its clock stands at the morning."""
    options = Options(
        clock="simulated", partitions=PARTITIONS, log_level="warning",
        settings={"ARREARS_STRATEGY_FALLBACK": "prompt"},
    )  # fmt: skip
    with TemporaryDirectory(prefix="arrears-bench-", ignore_cleanup_errors=True) as folder:
        async with LocalSystem(Path(folder), options=options) as system:
            at = system.addresses
            places = Places(at.kafka, at.http, at.sms_gateway)
            async with Doors(places, QUIET_S_MAX, listens=False) as doors, httpx.AsyncClient(timeout=30) as client:
                await doors.publish([record(banking.ClockAdvanced(now=MORNING), None, MORNING)])
                yield Whole(system, doors, Gateway(at.sms_gateway, client))
