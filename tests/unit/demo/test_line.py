"""The small HTTP client, against a real server."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from deploy.local.demo.line import AwayError, Line, RefusedError
from deploy.local.ports import free_port
from deploy.local.serving import serve_apps


async def echo(request: Request) -> Response:
    return JSONResponse({"method": request.method, "got": await request.json(), "seen": request.client.port})  # type: ignore[union-attr]


async def big(request: Request) -> Response:
    return JSONResponse({"text": "x" * 300_000, "seen": request.client.port})  # type: ignore[union-attr]


async def nothing(request: Request) -> Response:
    return Response(status_code=204)


async def later(request: Request) -> Response:
    return JSONResponse({"detail": "the database does not answer; try again"}, status_code=503)


@pytest_asyncio.fixture
async def line() -> AsyncIterator[Line]:
    routes = [Route("/echo", echo, methods=["POST"]), Route("/big", big), Route("/nothing", nothing, methods=["POST"])]
    routes.append(Route("/later", later))
    port = free_port()
    async with serve_apps({port: Starlette(routes=routes)}):
        one = Line(f"http://127.0.0.1:{port}")
        yield one
        one.close()


async def test_questions_share_one_connection(line: Line) -> None:
    first = await line.post("/echo", {"a": 1})
    second = await line.get("/big")
    assert first["got"] == {"a": 1}
    assert len(second["text"]) == 300_000
    assert first["seen"] == second["seen"]


async def test_no_content_is_none(line: Line) -> None:
    assert await line.post("/nothing", {}) is None
    assert (await line.post("/echo", []))["got"] == []


async def test_a_refusal_says_what_was_asked_and_answered(line: Line) -> None:
    with pytest.raises(RefusedError, match="/nowhere answered 404"):
        await line.get("/nowhere")


async def test_a_server_that_cannot_answer_now_is_away_too(line: Line) -> None:
    with pytest.raises(AwayError, match=r"/later is not available: .*try again"):
        await line.get("/later")


async def test_a_connection_the_server_closed_is_opened_anew(line: Line) -> None:
    await line.get("/big")
    assert line._streams is not None
    line._streams[0].feed_eof()
    assert len((await line.get("/big"))["text"]) == 300_000


async def test_a_server_that_is_down_is_away() -> None:
    with pytest.raises(AwayError, match="does not answer"):
        await Line(f"http://127.0.0.1:{free_port()}").get("/big")
