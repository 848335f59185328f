"""A line in front of a part, which a test opens late, cuts and mends, or breaks off at a bad moment."""

import asyncio
from collections.abc import AsyncIterator, Coroutine, Iterable
from contextlib import asynccontextmanager, suppress
from typing import Any

End = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Line:
    """Passes bytes both ways until it is cut: then nothing comes through, and nobody is told.

    Who still uses it when it is taken away loses the connection; nothing of it outlives `open`.
    """

    port: int

    def __init__(self) -> None:
        self._whole = asyncio.Event()
        self._whole.set()
        self._there = False
        self._uses: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def open(self, target: tuple[str, int], port: int = 0) -> AsyncIterator[int]:
        """It leads from the port that it yields, any free one or the one asked for, to the target."""
        server = await asyncio.start_server(lambda *near: self._called(near, target), "127.0.0.1", port)
        self.port = server.sockets[0].getsockname()[1]
        self._there = True
        try:
            yield self.port
        finally:
            self._there = False
            server.close()
            await _ended(self._uses)

    def cut(self) -> None:
        """From now on."""
        self._whole.clear()

    def mend(self) -> None:
        """What was kept back comes through."""
        self._whole.set()

    async def pass_on(self, near: End, far: End) -> None:
        """Both ways, until one end is closed."""
        await one_ends(self._along(near, far), self._along(far, near))

    async def _along(self, one: End, other: End) -> None:
        """One way, the news that the end is closed included."""
        while True:
            data = await one[0].read(65_536)
            await self._whole.wait()
            if not data:
                return
            other[1].write(data)
            await other[1].drain()

    def _called(self, near: End, target: tuple[str, int]) -> None:
        """Who was on the way in when the line was taken away finds it gone."""
        if not self._there:
            near[1].transport.abort()
            return
        use = asyncio.create_task(self._use(near, target))
        self._uses.add(use)
        use.add_done_callback(self._uses.discard)

    async def _use(self, near: End, target: tuple[str, int]) -> None:
        with suppress(OSError):  # connections end in many ways, on purpose here
            async with _closing(near):
                await self._whole.wait()
                async with _closing(await asyncio.open_connection(*target)) as far:
                    await self.pass_on(near, far)


@asynccontextmanager
async def _closing(end: End) -> AsyncIterator[End]:
    """What was written still goes out where all went well."""
    try:
        yield end
        end[1].close()
        await end[1].wait_closed()
    finally:
        end[1].transport.abort()


async def one_ends(*ways: Coroutine[Any, Any, None]) -> None:
    """One of them, and the others with it."""
    running = [asyncio.create_task(way) for way in ways]
    try:
        done, _ = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
        for one in done:
            one.result()
    finally:
        await _ended(running)


async def _ended(tasks: Iterable[asyncio.Task[None]]) -> None:
    ending = list(tasks)
    for task in ending:
        task.cancel()
    await asyncio.gather(*ending, return_exceptions=True)
