"""What a caller is told when something a route needs is away, or is a fault of ours."""

import httpx
import pytest
from fastapi import FastAPI

from shared.runtime import problems
from shared.vocabulary.errors import Rejected


async def answer(error: Exception) -> httpx.Response:
    app = FastAPI()
    problems.install(app)

    @app.get("/")
    async def failing() -> None:
        raise error

    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://service") as client:
        return await client.get("/")


@pytest.mark.parametrize("error", [ConnectionRefusedError(111, "secret host"), TimeoutError(), ConnectionResetError()])
async def test_a_database_that_cannot_be_reached_is_worth_another_try(error: Exception) -> None:
    got = await answer(error)
    assert (got.status_code, got.json()["title"], got.headers["retry-after"]) == (503, "unavailable", "2")
    assert "secret" not in got.text


@pytest.mark.parametrize("error", [FileNotFoundError("/etc/secret"), ValueError("secret")])
async def test_a_fault_of_ours_shows_nothing_of_itself(error: Exception) -> None:
    got = await answer(error)
    assert (got.status_code, got.json()["title"]) == (500, "internal_error")
    assert "secret" not in got.text


async def test_half_a_character_in_what_is_quoted_is_no_fault_of_ours() -> None:
    got = await answer(Rejected("malformed_policy", "absolute.\ud800: not an ISO 4217 currency code in use"))
    assert (got.status_code, got.headers["content-type"]) == (422, "application/problem+json")
    assert got.json()["detail"] == "absolute.?: not an ISO 4217 currency code in use"
