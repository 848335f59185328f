"""Parts that a test may take away and bring back, and a door in front of the database that cuts at a bad moment."""

import asyncio
import os
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from deploy.local import postgres_files
from deploy.local.kafka import KafkaServer
from deploy.local.ports import free_port
from deploy.local.postgres import PostgresServer
from deploy.local.program import Child
from tests.parts import BROKER_SESSION_MS

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


class KafkaWithALine(KafkaServer):
    """A broker that clients reach in another way too: by a line that can be cut, which is what they are told of it."""

    def __init__(self, folder: Path, log: Path) -> None:
        super().__init__(folder, log, session_ms=BROKER_SESSION_MS)
        self.line = Line()
        self._far_port = free_port()

    @asynccontextmanager
    async def reached(self) -> AsyncIterator[None]:
        """The line is open."""
        async with self.line.open(self._far_port):
            yield

    def settings(self, controller_port: int, data: Path) -> str:
        """Those of any other, and a second listener."""
        near, far = f"PLAINTEXT://127.0.0.1:{self.port}", "LINE://127.0.0.1"
        return super().settings(controller_port, data) + (
            f"listeners={near},{far}:{self._far_port},CONTROLLER://127.0.0.1:{controller_port}\n"
            f"advertised.listeners={near},{far}:{self.line.port}\n"
            "listener.security.protocol.map=PLAINTEXT:PLAINTEXT,LINE:PLAINTEXT,CONTROLLER:PLAINTEXT\n"
        )


class Line:
    """Passes bytes both ways until it is cut: then nothing comes through, and nobody is told."""

    port: int

    def __init__(self) -> None:
        self._whole = asyncio.Event()

    @asynccontextmanager
    async def open(self, target: int) -> AsyncIterator[None]:
        """It leads from `port` to another."""
        self._whole.set()
        server = await asyncio.start_server(lambda reader, writer: self._pass(target, reader, writer), "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield
        finally:
            server.close()
            self.mend()

    def cut(self) -> None:
        """From now on."""
        self._whole.clear()

    def mend(self) -> None:
        """What was kept back comes through."""
        self._whole.set()

    async def _pass(self, target: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self._whole.wait()
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", target)
        await asyncio.gather(self._along(reader, far_writer), self._along(far_reader, writer), return_exceptions=True)

    async def _along(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65_536):
                await self._whole.wait()
                writer.write(data)
        finally:
            writer.close()


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
