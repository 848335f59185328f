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
from tests.line import End, Line, one_ends
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
        async with self.line.open(("127.0.0.1", self._far_port)):
            yield

    def settings(self, controller_port: int, data: Path) -> str:
        """Those of any other, and a second listener."""
        near, far = f"PLAINTEXT://127.0.0.1:{self.port}", "LINE://127.0.0.1"
        return super().settings(controller_port, data) + (
            f"listeners={near},{far}:{self._far_port},CONTROLLER://127.0.0.1:{controller_port}\n"
            f"advertised.listeners={near},{far}:{self.line.port}\n"
            "listener.security.protocol.map=PLAINTEXT:PLAINTEXT,LINE:PLAINTEXT,CONTROLLER:PLAINTEXT\n"
        )


class Door(Line):
    """Passes a client's bytes on to the server; `cuts` connections are cut when the client says COMMIT.

    After the server has done it and before the client hears of it, or before the server hears of it.
    """

    def __init__(self, *, after: bool) -> None:
        super().__init__()
        self.cuts = 0
        self._after = after

    async def pass_on(self, near: End, far: End) -> None:
        """Until an end is closed, or a COMMIT is cut."""
        cut = asyncio.Event()
        await one_ends(self._ask(near, far, cut), self._answer(far, near, cut))

    async def _ask(self, near: End, far: End, cut: asyncio.Event) -> None:
        while data := await near[0].read(65_536):
            if self.cuts and b"COMMIT" in data:
                self.cuts -= 1
                cut.set()
                if not self._after:
                    return
            far[1].write(data)

    async def _answer(self, far: End, near: End, cut: asyncio.Event) -> None:
        """What comes after the cut shows that the server has done it."""
        while data := await far[0].read(65_536):
            if cut.is_set():
                return
            near[1].write(data)
