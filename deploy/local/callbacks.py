"""Delivers status callbacks in the background, and again with backoff while the other side is away.

A telephone takes a moment to say that a message came: what is sent in one go is answered in one go.

Apart from the gateway because it is the only part of it that dials out. It speaks just the HTTP it needs over one
connection per worker: a general client takes a millisecond of a core for each call, twice what all the rest of a
message takes.
"""

import asyncio
import random
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self
from urllib.parse import urlencode, urlsplit

WORKERS = 32
REST_S = 0.012
"""Callbacks wait until no more came for so long, but not longer than"""
REST_MAX_S = 0.5
ATTEMPTS_MAX = 60
PAUSE_FIRST_S, PAUSE_MAX_S = 0.05, 5.0
TIMEOUT_S = 10
LENGTH = re.compile(r"\r\ncontent-length: *(\d+)")


@dataclass(frozen=True)
class Callback:
    """A form to post to an address."""

    address: str
    form: Mapping[str, str]
    headers: Mapping[str, str] = field(default_factory=dict)


class Callbacks:
    """A queue and a few workers; about four minutes of trying before one is given up."""

    def __init__(self) -> None:
        self.pending = 0
        self.given_up = 0
        self._queue: asyncio.Queue[Callback] = asyncio.Queue()
        self._workers: list[asyncio.Task[None]] = []
        self._resting: list[Callback] = []
        self._came = asyncio.Event()

    async def __aenter__(self) -> Self:
        self._workers = [asyncio.create_task(self._work()) for _ in range(WORKERS)]
        self._workers.append(asyncio.create_task(self._rest()))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for worker in self._workers:
            worker.cancel()
        await asyncio.gather(*self._workers, return_exceptions=True)

    def add(self, callback: Callback) -> None:
        self.pending += 1
        self._resting.append(callback)
        self._came.set()

    async def _rest(self) -> None:
        """Let callbacks go on once no more come."""
        while True:
            await self._came.wait()
            await self._none_came()
            for callback in self._resting:
                self._queue.put_nowait(callback)
            self._resting.clear()

    async def _none_came(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(REST_MAX_S):
                while self._came.is_set():
                    self._came.clear()
                    await asyncio.sleep(REST_S)

    async def _work(self) -> None:
        line = _Line()
        try:
            while True:
                callback = await self._queue.get()
                delivered = await self._deliver(line, callback)
                self.pending -= 1
                self.given_up += not delivered
        finally:
            line.close()

    async def _deliver(self, line: "_Line", callback: Callback) -> bool:
        """Post until it is taken. A 4xx is final: asking again would not change it."""
        pause_s = PAUSE_FIRST_S
        for _ in range(ATTEMPTS_MAX):
            status = await line.post(callback)
            if status < 500:
                return status < 300
            await asyncio.sleep(pause_s * random.uniform(0.5, 1))
            pause_s = min(2 * pause_s, PAUSE_MAX_S)
        return False


class _Line:
    """One kept-alive HTTP/1.1 connection, opened anew when the address changes or the other side hung up."""

    def __init__(self) -> None:
        self._to: tuple[str, int] | None = None
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def post(self, callback: Callback) -> int:
        """The status of the answer; 503 when there was none."""
        address = urlsplit(callback.address)
        body = urlencode(callback.form).encode()
        target = f"{address.path or '/'}?{address.query}" if address.query else address.path or "/"
        more = "".join(f"{name}: {value}\r\n" for name, value in callback.headers.items())
        request = (
            f"POST {target} HTTP/1.1\r\nHost: {address.netloc}\r\n{more}"
            f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        try:
            async with asyncio.timeout(TIMEOUT_S):
                reader, writer = await self._open(address.hostname or "", address.port or 80)
                writer.write(request.encode() + body)
                return await self._answer(reader)
        except (OSError, EOFError, TimeoutError, ValueError):
            self.close()
            return 503

    def close(self) -> None:
        if self._streams is not None:
            self._streams[1].close()
        self._streams = None

    async def _open(self, host: str, port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self._to != (host, port):
            self.close()
        if self._streams is None:
            self._streams = await asyncio.open_connection(host, port)
            self._to = (host, port)
        return self._streams

    async def _answer(self, reader: asyncio.StreamReader) -> int:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
        status = int(head.split(" ", 2)[1])
        length = LENGTH.search(head)
        if length is not None:
            await reader.readexactly(int(length[1]))
        if (length is None and status != 204) or "\r\nconnection: close" in head:
            self.close()  # where the body ends is not said, or there will be no further answer
        return status
