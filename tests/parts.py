"""The real Kafka and PostgreSQL that integration tests run on: local parts, or containers.

Local parts need no engine and are the default; ARREARS_TEST_PARTS=containers asks for the official images instead.
Both start when the first test asks, once per run, on free ports and in a folder that is removed at the end.
"""

import asyncio
import os
import shutil
import tempfile
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import asyncpg

from deploy.local import postgres_files
from deploy.local.kafka import KafkaServer
from deploy.local.postgres import SUPERUSER, PostgresServer
from deploy.local.program import Child

SETTING = "ARREARS_TEST_PARTS"
BROKER_SESSION_MS = 60_000
"""A broker that is never started again may be slow for as long as that on a busy machine, and is still the broker."""


class Parts(Protocol):
    """What tests see of the parts."""

    description: str

    async def kafka(self) -> str:
        """`host:port` of the broker, started when it does not run yet."""

    async def postgres_url(self, role: str, database: str = "arrears", scheme: str = "postgresql") -> str:
        """The way into the cluster as the role (`postgres` is the superuser), started when it does not run yet."""

    async def stop(self) -> None: ...


@asynccontextmanager
async def up(server: KafkaServer) -> AsyncIterator[None]:
    """It runs meanwhile, and is killed."""
    child = await server.start()
    try:
        yield
    finally:
        child.kill()
        await child.wait()


@dataclass
class LocalParts:
    """Parts from packages, as `make live` runs them."""

    description: str = "local Apache Kafka 4.3.0 and PostgreSQL 18.6 from packages"
    durable: bool = False
    """Whether commits wait for the disk."""
    _folder: Path | None = None
    _starting: asyncio.Lock = field(default_factory=asyncio.Lock)
    _kafka: KafkaServer | None = None
    _postgres: PostgresServer | None = None
    _children: list[Child] = field(default_factory=list)

    async def kafka(self) -> str:
        async with self._starting:
            if self._kafka is None:
                folder = self._made_folder()
                server = KafkaServer(folder / "kafka", folder / "kafka.log", session_ms=BROKER_SESSION_MS)
                self._children.append(await server.start())
                self._kafka = server
            return self._kafka.bootstrap

    async def postgres_url(self, role: str, database: str = "arrears", scheme: str = "postgresql") -> str:
        async with self._starting:
            if self._postgres is None:
                folder = self._made_folder()
                server = PostgresServer(folder / "postgres", folder / "postgres.log", durable=self.durable)
                self._children.append(await server.start())
                self._postgres = server
            return self._postgres.url(role, database, scheme)

    async def stop(self) -> None:
        for child in self._children:
            child.kill()  # the data goes too, so nothing is worth waiting for
            await child.wait()
        if self._folder is not None:
            postgres_files.remove(self._folder / "postgres")
            shutil.rmtree(self._folder, ignore_errors=True)

    def _made_folder(self) -> Path:
        """Made for the first part: most processes of a run in jobs start none, and would leave it behind."""
        if self._folder is None:
            self._folder = Path(tempfile.mkdtemp(prefix="arrears-tests-"))
        return self._folder


def chosen_parts(*, durable: bool = False) -> Parts:
    """The parts that the environment asks for; benches want them `durable`, as they are in earnest."""
    choice = os.environ.get(SETTING, "local")
    if choice == "local":
        return LocalParts(durable=durable)
    if choice == "containers":
        from tests.containers import ContainerParts  # an engine's client library, needed on this way only

        return ContainerParts(durable=durable)
    raise ValueError(f"{SETTING} must be local or containers, not {choice!r}")


async def new_database(parts: Parts) -> str:
    """Create a database of its own with every service's empty schema; returns its name."""
    name = f"test_{uuid.uuid4().hex[:12]}"
    connection = await asyncpg.connect(await parts.postgres_url(SUPERUSER, "postgres"))
    try:
        # Copying files is quickest where nothing waits for the disk.
        await connection.execute(f"CREATE DATABASE {name} TEMPLATE arrears STRATEGY FILE_COPY")
    finally:
        await connection.close()
    return name


async def drop_database(parts: Parts, name: str) -> None:
    connection = await asyncpg.connect(await parts.postgres_url(SUPERUSER, "postgres"))
    try:
        await connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
    finally:
        await connection.close()
