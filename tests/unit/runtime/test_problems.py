"""What a caller is told when something a route needs is away, or is a fault of ours."""

from collections.abc import AsyncIterator
from typing import Any

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


def _reading() -> FastAPI:
    app = FastAPI()
    problems.install(app, 1024)

    @app.post("/")
    async def read(form: dict[str, Any]) -> int:
        return len(form)

    return app


async def _chunks(body: bytes) -> AsyncIterator[bytes]:
    for first in range(0, len(body), 100):
        yield body[first : first + 100]


@pytest.mark.parametrize("chunked", [False, True])
async def test_a_body_is_read_no_further_than_it_may_be_long(chunked: bool) -> None:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(_reading()), base_url="http://service") as client:
        for length, status in ((1024, 200), (1025, 413)):
            body = b'{"a": "' + b"x" * (length - 9) + b'"}'
            content = _chunks(body) if chunked else body
            got = await client.post("/", content=content, headers={"content-type": "application/json"})
            assert (len(body), got.status_code) == (length, status)
    assert got.json()["title"] == "request_too_large"
    assert got.json()["detail"] == "a request has at most 1024 bytes"


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b'{"a": "\xff"}', "body: not JSON in UTF-8, or nested too deeply"),
        (b"[" * 1024, "body: not JSON in UTF-8, or nested too deeply"),
        (b'{"a": }', "body.6: JSON decode error"),
    ],
)
async def test_a_body_that_is_not_json_is_said_to_be_none(body: bytes, said: str) -> None:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(_reading()), base_url="http://service") as client:
        got = await client.post("/", content=body, headers={"content-type": "application/json"})
    assert (got.status_code, got.json()["title"], got.json()["detail"]) == (422, "invalid_request", said)


async def test_half_a_character_in_what_is_quoted_is_no_fault_of_ours() -> None:
    got = await answer(Rejected("malformed_policy", "absolute.\ud800: not an ISO 4217 currency code in use"))
    assert (got.status_code, got.headers["content-type"]) == (422, "application/problem+json")
    assert got.json()["detail"] == "absolute.?: not an ISO 4217 currency code in use"
