"""The line that other tests put in front of a part: what it passes, keeps back, and leaves behind, which is nothing."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from tests.line import End, Line, one_ends

NEVER_S = 0.2
"""What has not come by then is kept back."""


@asynccontextmanager
async def _echo() -> AsyncIterator[tuple[str, int]]:
    """Says what it is told, until the other end is closed or says that this is the last."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(100):
            writer.write(data)
            if data == b"last":
                break
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        host, port = server.sockets[0].getsockname()
        yield host, port


async def _said(end: End, word: bytes) -> bytes:
    end[1].write(word)
    return await end[0].read(100)


async def _closed(end: End) -> None:
    end[1].close()
    await end[1].wait_closed()


async def test_a_cut_line_keeps_back_what_comes_through_once_it_is_mended() -> None:
    line = Line()
    async with _echo() as target, line.open(target) as port:
        end = await asyncio.open_connection("127.0.0.1", port)
        assert await _said(end, b"one") == b"one"
        line.cut()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(_said(end, b"two"), NEVER_S)
        line.mend()
        assert await end[0].read(100) == b"two"
        await _closed(end)


async def test_who_is_on_it_or_on_the_way_loses_the_connection_when_it_is_taken_away() -> None:
    before = asyncio.all_tasks()
    async with _echo() as target:
        async with Line().open(target) as port:
            used = await asyncio.open_connection("127.0.0.1", port)
            assert await _said(used, b"one") == b"one"
            late = await asyncio.open_connection("127.0.0.1", port)
        for end in (used, late):
            with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
                await end[0].readexactly(1)
            await asyncio.gather(_closed(end), return_exceptions=True)
    assert asyncio.all_tasks() <= before


async def test_an_end_that_is_closed_closes_the_other_once_all_is_said() -> None:
    async with _echo() as target, Line().open(target) as port:
        end = await asyncio.open_connection("127.0.0.1", port)
        end[1].write(b"last")
        assert await end[0].read() == b"last"
        await _closed(end)


async def test_a_bug_on_the_line_shows_itself() -> None:
    async def broken() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await one_ends(broken(), asyncio.sleep(60))
