"""Serves several small HTTP apps in one process until it is asked to stop.

Apart because uvicorn takes the process's signals for each server it runs, and here the process is not its own.
"""

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator, Iterator, Mapping

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request

LOOPBACK = "127.0.0.1"


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@contextlib.asynccontextmanager
async def serve_apps(apps: Mapping[int, Starlette], host: str = LOOPBACK) -> AsyncIterator[None]:
    """Serve each app on its port for as long as the context is open."""
    servers = [_Server(_config(app, host, port)) for port, app in apps.items()]
    serving = asyncio.gather(*(server.serve() for server in servers))
    try:
        while not all(server.started for server in servers) and not serving.done():  # noqa: ASYNC110  uvicorn has no event for it
            await asyncio.sleep(0.01)
        yield
    finally:
        for server in servers:
            server.should_exit = True
        await serving


def skipped(request: Request) -> int:
    """How many messages the caller has seen already: ?after=n."""
    after = request.query_params.get("after", "")
    return int(after) if after.isdecimal() else 0


async def serve_until_stopped(apps: Mapping[int, Starlette], host: str = LOOPBACK) -> None:
    """Serve the apps until SIGTERM or SIGINT."""
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    async with serve_apps(apps, host):
        await stopped.wait()


def _config(app: Starlette, host: str, port: int) -> uvicorn.Config:
    return uvicorn.Config(app, host=host, port=port, log_level="warning", access_log=False, timeout_graceful_shutdown=2)
