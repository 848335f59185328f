"""The HTTP door of a process: a bound socket, the server behind it, and its orderly end."""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import uvicorn
from fastapi import FastAPI

from shared.vocabulary.errors import Misconfigured

DRAIN_S: Final = 10
"""How long requests under way may take to end."""


async def serve(app: FastAPI, host: str, port: int, stop: asyncio.Event) -> None:
    """Answer requests until stopped; Misconfigured at once when the address cannot be had."""
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        lifespan="off",
        timeout_graceful_shutdown=DRAIN_S,
        # Nothing here asks for the client's address, and who serves is nobody's business.
        proxy_headers=False,
        server_header=False,
    )
    server = _Server(config)
    with listening(host, port) as door:
        serving = asyncio.create_task(server.serve(sockets=[door]))
        stopping = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            server.should_exit = True
            # Without having been asked to stop, a part has failed: nobody is waited for.
            server.force_exit = not stop.is_set()
            stopping.cancel()
            await serving
    if not stop.is_set():
        raise RuntimeError("the HTTP server ended by itself")


@contextmanager
def listening(host: str, port: int) -> Iterator[socket.socket]:
    """A bound socket; Misconfigured when the address cannot be had."""
    door = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        door.bind((host, port))
    except OSError as error:
        door.close()
        raise Misconfigured(
            f"ARREARS_HTTP_HOST, ARREARS_HTTP_PORT: cannot listen on {host}:{port}: {error.strerror}"
        ) from None
    try:
        yield door
    finally:
        door.close()


class _Server(uvicorn.Server):
    """Signals belong to the process, which also drains the consumer."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield
