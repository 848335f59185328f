"""One kept-alive HTTP/1.1 connection for JSON: the demo asks services thousands of small questions, and a general
client takes longer to ask than they take to answer.
"""

import asyncio
import re
from typing import Any, Final
from urllib.parse import urlsplit

import orjson

TIMEOUT_S: Final = 60
UNAVAILABLE: Final = 503
"""A service's database is away, say: nothing was done, and the same question may be asked again."""
_LENGTH: Final = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


class RefusedError(Exception):
    """A service answered with something else than success."""


class AwayError(Exception):
    """A server does not answer; it may be starting again."""


class Line:
    """Asks one server, one question at a time."""

    def __init__(self, url: str) -> None:
        address = urlsplit(url)
        self.url = url
        self._host, self._port = address.hostname or "", address.port or 80
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def get(self, path: str) -> Any:
        """The JSON at the path; RefusedError for any answer but 200."""
        status, body = await self.ask("GET", path)
        if status != 200:
            raise RefusedError(f"GET {self.url}{path} answered {status}: {body[:500].decode(errors='replace')}")
        return orjson.loads(body)

    async def post(self, path: str, content: Any) -> Any:
        """The JSON answered to some JSON; None when there is nothing to say; RefusedError for any failure."""
        status, body = await self.ask("POST", path, orjson.dumps(content))
        if status not in (200, 201, 204):
            raise RefusedError(f"POST {self.url}{path} answered {status}: {body[:500].decode(errors='replace')}")
        return orjson.loads(body) if body else None

    async def ask(self, method: str, path: str, content: bytes = b"") -> tuple[int, bytes]:
        """Status and body of one exchange; AwayError when there is none, or only that it cannot answer now."""
        try:
            async with asyncio.timeout(TIMEOUT_S):
                status, body = await self._exchange(method, path, content)
        except (OSError, EOFError, TimeoutError) as error:
            self.close()
            raise AwayError(f"{self.url} does not answer: {type(error).__name__}") from None
        if status == UNAVAILABLE:
            raise AwayError(f"{self.url}{path} is not available: {body[:200].decode(errors='replace')}")
        return status, body

    async def _exchange(self, method: str, path: str, content: bytes) -> tuple[int, bytes]:
        head = (
            f"{method} {path} HTTP/1.1\r\nHost: {self._host}:{self._port}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n"
        )
        reader, writer = await self._open()
        writer.write(head.encode() + content)
        answer = await reader.readuntil(b"\r\n\r\n")
        length = _LENGTH.search(answer)
        body = await reader.readexactly(int(length[1])) if length else b""
        if b"\r\nconnection: close" in answer.lower():
            self.close()
        return int(answer.split(b" ", 2)[1]), body

    def close(self) -> None:
        """Hang up."""
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None

    async def _open(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """The connection; a new one when the server has hung up since the last question."""
        if self._streams is not None and self._streams[0].at_eof():
            self.close()
        if self._streams is None:
            self._streams = await asyncio.open_connection(self._host, self._port, limit=2**24)
        return self._streams
