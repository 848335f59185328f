"""Collectors work the queue until it is empty and report each call once, against a stand-in for contact's API."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import pytest_asyncio
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from deploy.local.demo import collectors
from deploy.local.demo.collectors import Collectors
from deploy.local.demo.debtors import Debtors
from deploy.local.portfolio.lender import Lender
from deploy.local.ports import free_port
from deploy.local.serving import serve_apps

DAY = date(2025, 2, 3)


def task(number: int) -> dict[str, Any]:
    owed = {"amount": "12.50", "currency": "EUR"}
    return {
        "contact_id": f"k{number}", "customer_id": f"C{number:07d}", "arrears": [owed],
        "accounts": [{"account_id": f"A{3 * number:07d}", "arrears": owed}],
    }  # fmt: skip


@dataclass
class Queue:
    """Contact as collectors see it."""

    waiting: list[dict[str, Any]]
    reported: dict[str, dict[str, Any]] = field(default_factory=dict)
    repeats: int = 0
    port: int = field(default_factory=free_port)

    async def next(self, request: Request) -> Response:
        limit = (await request.json())["limit"]
        tasks, self.waiting = self.waiting[:limit], self.waiting[limit:]
        return JSONResponse({"tasks": tasks})

    async def outcome(self, request: Request) -> Response:
        contact_id = request.path_params["contact_id"]
        self.repeats += contact_id in self.reported
        self.reported[contact_id] = await request.json()
        return JSONResponse({})


@pytest_asyncio.fixture
async def queue() -> AsyncIterator[Queue]:
    one = Queue([task(number) for number in range(collectors.TASKS_AT_ONCE + 20)])
    routes = [
        Route("/call-tasks/next", one.next, methods=["POST"]),
        Route("/call-tasks/{contact_id}/outcome", one.outcome, methods=["POST"]),
    ]
    async with serve_apps({one.port: Starlette(routes=routes)}):
        yield one


async def test_every_task_is_reported_once(queue: Queue) -> None:
    lender = Lender(seed=3, customers=100, months=3, start=date(2025, 1, 1))
    team = Collectors(f"http://127.0.0.1:{queue.port}", Debtors(lender))
    total = len(queue.waiting)
    assert await team.work(DAY) == total == len(team.calls)
    assert await team.work(DAY) == 0
    team.close()
    assert len(queue.reported) == total
    assert queue.repeats == 0
    promises = [form["promise"] for form in queue.reported.values() if "promise" in form]
    assert promises
    assert all(one["amount"] == {"amount": "12.50", "currency": "EUR"} for one in promises)
    assert all(one["due_on"] > DAY.isoformat() for one in promises)
    assert all(form["outcome"] == "right_party" for form in queue.reported.values() if "promise" in form)


async def test_who_owes_nothing_promises_nothing(queue: Queue) -> None:
    for one in queue.waiting:
        one["arrears"] = [{"amount": "0.00", "currency": "EUR"}]
    lender = Lender(seed=3, customers=100, months=3, start=date(2025, 1, 1))
    team = Collectors(f"http://127.0.0.1:{queue.port}", Debtors(lender))
    await team.work(DAY)
    team.close()
    assert not any("promise" in form for form in queue.reported.values())
