"""Parts that a test may take away and bring back, and a door in front of the database that cuts at a bad moment."""

import asyncio
import os
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from deploy.local import postgres_files
from deploy.local.kafka import KafkaServer
from deploy.local.postgres import PostgresServer
from deploy.local.program import Child

OUTAGE_S = float(os.environ.get("ARREARS_TEST_OUTAGE_S", "6"))
"""How long a part stays away; `make soak-outages` takes ten minutes."""


class Part:
    """One local server: here, or gone without goodbye."""

    def __init__(self, server: KafkaServer | PostgresServer) -> None:
        self.server = server
        self._child: Child | None = None

    async def up(self) -> None:
        self._child = await self.server.start()

    async def down(self) -> None:
        if self._child is not None:
            self._child.kill()
            await self._child.wait()


@asynccontextmanager
async def restartable_kafka() -> AsyncIterator[tuple[Part, str]]:
    """A broker and its address, which it keeps."""
    with tempfile.TemporaryDirectory(prefix="arrears-outage-", ignore_cleanup_errors=True) as folder:
        server = KafkaServer(Path(folder) / "kafka", Path(folder) / "kafka.log")
        part = Part(server)
        try:
            await part.up()
            yield part, server.bootstrap
        finally:
            await part.down()


@asynccontextmanager
async def own_postgres(role: str = "ingest") -> AsyncIterator[tuple[Part, str]]:
    """A cluster and the role's URL."""
    with tempfile.TemporaryDirectory(prefix="arrears-outage-", ignore_cleanup_errors=True) as folder:
        server = PostgresServer(Path(folder) / "postgres", Path(folder) / "postgres.log", durable=False)
        part = Part(server)
        try:
            await part.up()
            yield part, server.url(role, scheme="postgresql+asyncpg")
        finally:
            await part.down()
            postgres_files.remove(Path(folder) / "postgres")


class Door:
    """Passes a client's bytes on to the server; `cuts` connections are cut when the client says COMMIT.

    After the server has done it and before the client hears of it, or before the server hears of it.
    """

    def __init__(self, target: tuple[str, int], *, after: bool) -> None:
        self.cuts = 0
        self._target = target
        self._after = after

    @asynccontextmanager
    async def open(self) -> AsyncIterator[int]:
        """The port to connect to."""
        server = await asyncio.start_server(self._pass, "127.0.0.1", 0)
        async with server:
            yield server.sockets[0].getsockname()[1]

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection(*self._target)
        answering = asyncio.create_task(_copy(far_reader, writer))
        try:
            while data := await reader.read(65_536):
                if self.cuts and b"COMMIT" in data:
                    self.cuts -= 1
                    answering.cancel()
                    # Only one may read: until it has ended, what the server answers could not be waited for here.
                    await asyncio.gather(answering, return_exceptions=True)
                    if self._after:
                        far_writer.write(data)
                        await far_reader.read(1)
                    return
                far_writer.write(data)
        except ConnectionError:
            return
        finally:
            answering.cancel()
            far_writer.close()
            writer.close()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65_536):
        writer.write(data)
    writer.close()
