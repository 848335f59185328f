"""Strategy's API on a real database: cases with their reasons, holds, strategies."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
import pytest_asyncio
from fastapi import FastAPI
from sqlalchemy.ext.asyncio import AsyncEngine

from services.strategy import api
from services.strategy.app import register
from services.strategy.library import read_library
from services.strategy.settings import SHIPPED, StrategySettings
from shared.messaging import Commands
from shared.messaging.commands import COMMANDS
from shared.messaging.relay import Relay
from shared.runtime import problems
from shared.runtime.clock import SimulatedClock
from shared.runtime.service import Context
from shared.vocabulary.errors import Misconfigured
from tests.integration.strategy.conftest import COUNTS, Shard
from tests.integration.strategy.events import MONDAY, aged, at, cured, day, disputed, entered, promised


class Silent:
    """A publisher for a relay that is never run."""


@pytest.fixture
def context(engine: AsyncEngine) -> Context:
    """What the API is built from, with its clock on Tuesday morning."""
    url = "postgresql+asyncpg://nobody@localhost/nowhere"
    settings = StrategySettings(kafka_bootstrap="localhost:1", database_url=url)
    clock = SimulatedClock(at(day(1)))
    relay = Relay(engine, Silent(), "strategy", COMMANDS)  # type: ignore[arg-type]  # never asked
    commands = Commands(engine, relay, "strategy", COUNTS, clock)
    return Context(settings, engine, clock, commands, COUNTS)


@pytest_asyncio.fixture
async def http(context: Context, shard: Shard) -> AsyncIterator[httpx.AsyncClient]:
    """The API as a client sees it."""
    library = read_library(SHIPPED)
    await register(context, library)
    app = FastAPI()
    problems.install(app)
    app.include_router(api.router(context, library, shard.handlers))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://strategy") as client:
        yield client


async def test_a_case_shows_what_was_done_why_and_what_comes_next(shard: Shard, http: httpx.AsyncClient) -> None:
    await shard.take(entered("c-1", 1, MONDAY, dpd=3), aged(MONDAY), at=MONDAY)
    case = (await http.get("/cases/c-1")).json()
    assert (case["state"], case["strategy"], case["strategy_version"]) == ("open", "default", 1)
    assert case["business_date"] == "2026-03-02"
    assert case["accounts"][0]["arrears"] == {"amount": "100.00", "currency": "EUR"}
    (decision,) = case["decisions"]
    assert decision["step"] == "early-reminder"
    assert decision["rule"].startswith("Between 3 and 29 days past due")
    assert decision["inputs"]["days_past_due"] == 3
    assert case["next"] == {
        "doing": "nothing",
        "reason": "wait",
        "explanation": "email-reminder may follow on 2026-03-09",
        "next_decision_on": "2026-03-09",
    }


async def test_a_promise_and_a_hold_say_why_nothing_is_done(shard: Shard, http: httpx.AsyncClient) -> None:
    await shard.take(entered("c-1", 1, MONDAY), entered("c-2", 1, MONDAY), aged(MONDAY), at=MONDAY)
    await shard.take(promised("c-1", day(1), day(4)), disputed("c-2", day(1)), aged(day(1)), at=day(1))
    promise, hold = (await http.get("/cases/c-1")).json(), (await http.get("/cases/c-2")).json()
    assert promise["next"]["explanation"] == "a promise to pay runs until 2026-03-08"
    assert promise["next"]["next_decision_on"] == "2026-03-08"
    assert promise["promises"][0]["needed_to_keep"]["amount"] == "90.00"
    assert hold["next"]["explanation"] == "on hold: dispute"
    assert hold["next"]["next_decision_on"] is None


async def test_a_hold_by_command_withdraws_and_its_release_resumes(shard: Shard, http: httpx.AsyncClient) -> None:
    await shard.take(entered("c-1", 1, MONDAY, dpd=3), aged(MONDAY), at=MONDAY)
    placed = await http.post("/cases/c-1/holds", json={"kind": "hardship", "until_on": "2026-04-01"})
    assert placed.status_code == 201
    hold_id = placed.json()["hold_id"]
    case = (await http.get("/cases/c-1")).json()
    assert case["decisions"][0]["state"] == "withdrawn"
    assert case["next"]["explanation"] == "on hold: hardship"
    for _ in range(2):
        released = await http.post(f"/cases/c-1/holds/{hold_id}/release")
        assert released.status_code == 204
    sent = await shard.take(aged(day(14)), at=day(14))
    assert [type(e).__name__ for e in sent] == ["TreatmentDecided", "ContactRequested"]


async def test_refusals_are_problem_details(shard: Shard, http: httpx.AsyncClient) -> None:
    await shard.take(entered("c-1", 1, MONDAY), aged(MONDAY), at=MONDAY)
    for method, path, body, status, title in (
        ("GET", "/cases/nobody", None, 404, "case_not_found"),
        ("POST", "/cases/nobody/holds", {"kind": "legal"}, 404, "case_not_found"),
        ("POST", "/cases/c-1/holds", {"kind": "mood"}, 422, "invalid_request"),
        ("POST", "/cases/c-1/holds", {"kind": "legal", "until_on": "2026-03-01"}, 422, "until_on_past"),
        ("POST", "/cases/c-1/holds/h-9/release", None, 404, "hold_not_found"),
        ("GET", "/strategies/nobody", None, 404, "strategy_not_found"),
        ("GET", "/cases?limit=0", None, 422, "invalid_request"),
    ):
        answer = await http.request(method, path, json=body)
        assert (answer.status_code, answer.json()["title"]) == (status, title), path
        assert answer.headers["content-type"] == "application/problem+json"


async def test_cases_are_listed_by_state_and_page_by_page(shard: Shard, http: httpx.AsyncClient) -> None:
    ids = [f"c-{n}" for n in range(5)]
    await shard.take(*(entered(one, 1, MONDAY) for one in ids), aged(MONDAY), at=MONDAY)
    await shard.take(cured("c-3", 2, day(1)), aged(day(1)), at=day(1))
    first = (await http.get("/cases", params={"limit": 3})).json()
    assert [case["customer_id"] for case in first["cases"]] == ["c-0", "c-1", "c-2"]
    rest = (await http.get("/cases", params={"limit": 3, "after": first["after"]})).json()
    assert [case["customer_id"] for case in rest["cases"]] == ["c-4"]
    assert rest["after"] is None
    (closed,) = (await http.get("/cases", params={"state": "closed"})).json()["cases"]
    assert (closed["customer_id"], closed["arrears"]) == ("c-3", [])
    assert first["cases"][0]["arrears"] == [{"amount": "100.00", "currency": "EUR"}]


async def test_strategies_can_be_read_as_they_were_written(http: httpx.AsyncClient) -> None:
    listed = (await http.get("/strategies")).json()
    assert {one["name"]: one["decide"] for one in listed} == {"default": "at_day_end", "prompt": "on_change"}
    default = (await http.get("/strategies/default")).json()
    assert default == (await http.get("/strategies/default", params={"version": 1})).json()
    assert default["steps"][1]["when"]["days_past_due"] == {"from": 3, "to": 29}


async def test_a_version_that_was_in_use_may_not_change(
    http: httpx.AsyncClient, context: Context, tmp_path: Path
) -> None:
    for path in SHIPPED.glob("*.yaml"):
        (tmp_path / path.name).write_text(path.read_text().replace("priority: 80", "priority: 81"))
    with pytest.raises(Misconfigured, match="default: version 1 was in use with other rules"):
        await register(context, read_library(tmp_path))
