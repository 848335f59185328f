"""The suite against the calculator as a function and behind its HTTP door."""

import json
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import httpx
import orjson
import pytest
import pytest_asyncio

from services.ingest.assess import answer, question
from services.ingest.packs import load
from tests.conformance.door import door
from tests.conformance.suite import Case, disagreements, read_cases

CASES = read_cases()
PACKS = load()
SEVEN = {"instalment", "card-minimum-payment", "in-rbi", "eu-default", "cn-five-tier", "us-ffiec", "ifrs9"}
by_name = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)


@pytest_asyncio.fixture(scope="module")
async def http() -> AsyncIterator[httpx.AsyncClient]:
    async with door() as client:
        yield client


@by_name
def test_the_calculator_conforms(case: Case) -> None:
    answered = answer(question(json.dumps(case.question).encode()), PACKS)
    assert not disagreements(case, as_json(answered))


@by_name
async def test_the_door_conforms(case: Case, http: httpx.AsyncClient) -> None:
    response = await http.post("/assessments", json=case.question)
    assert response.status_code == 200
    assert not disagreements(case, response.json())


def test_the_suite_is_whole() -> None:
    """Enough cases, each with a source and a name of its own, and every shipped pack among them."""
    assert len(CASES) >= 120
    assert not [name for name, times in Counter(case.name for case in CASES).items() if times > 1]
    assert not [case.name for case in CASES if not case.source]
    used = {
        name
        for case in CASES
        for name in [case.question["policy"], *case.question["classifications"]]
        if str(name) == name
    }
    assert used >= SEVEN


def test_a_wrong_answer_is_noticed() -> None:
    case = next(case for case in CASES if case.name == "days-past-due: first-day")
    right = as_json(answer(question(json.dumps(case.question).encode()), PACKS))
    assert not disagreements(case, right)
    right["assessments"][0]["days_past_due"] = 2
    right["rejected"] = [{"index": 0, "reason": "made_up", "detail": ""}]
    assert disagreements(case, right) == [
        "2024-02-01, days_past_due: expected 1, was 2",
        "rejected: expected [], was [{'index': 0, 'reason': 'made_up'}]",
    ]


def as_json(answered: dict[str, Any]) -> dict[str, Any]:
    read: dict[str, Any] = orjson.loads(orjson.dumps(answered))
    return read
