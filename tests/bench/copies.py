"""Copies of ingest as programs of their own (`--only consumer`), as many replicas run."""

import asyncio
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx

from deploy.local.environments import PROJECT, surroundings
from deploy.local.ports import free_port
from deploy.local.program import Child, Program
from tests.bench.ground import Ground
from tests.waiting import until

START_S_MAX = 60.0


@dataclass
class Copy:
    """One running copy."""

    child: Child
    url: str
    client: httpx.AsyncClient

    async def owns(self) -> frozenset[int]:
        """The shards it applies now; none while it does not answer."""
        try:
            owned = (await self.client.get(f"{self.url}/progress")).raise_for_status().json()["owned"]
        except (httpx.TransportError, httpx.HTTPStatusError):
            return frozenset()
        return frozenset(int(n) for n in owned.get("accounts", {}))

    async def kill(self) -> None:
        """SIGKILL, and until it is gone."""
        self.child.kill()
        await self.child.wait()


@dataclass
class Copies:
    """All copies on one ground; `settings` are variables for each of them."""

    ground: Ground
    folder: Path
    client: httpx.AsyncClient
    settings: dict[str, str]
    running: list[Copy] = field(default_factory=list)

    async def start(self, **settings: str) -> Copy:
        """One more, without waiting for it; `settings` are variables for it alone."""
        port = free_port()
        command = [sys.executable, "-m", "services.ingest", "--only", "consumer"]
        environment = {**surroundings(self.folder), **self._told(port), **settings}
        program = Program(f"copy-{port}", command, PROJECT, self.folder / f"copy-{port}.log", environment)
        copy = Copy(await Child.start(program), f"http://127.0.0.1:{port}", self.client)
        self.running.append(copy)
        return copy

    async def until_spread(self, among: Sequence[Copy]) -> None:
        """Wait until these copies own all shards between them, as evenly as it goes."""
        await until(lambda: self._is_spread(among), "the shards to be spread", START_S_MAX)

    async def _is_spread(self, among: Sequence[Copy]) -> bool:
        for copy in among:
            copy.child.ensure_running()
        owned = sorted(len(one) for one in await asyncio.gather(*(copy.owns() for copy in among)))
        return sum(owned) == self.ground.partitions and (owned[-1] - owned[0] <= 1)

    def _told(self, port: int) -> dict[str, str]:
        return {
            "ARREARS_ENVIRONMENT": "local",
            "ARREARS_KAFKA_BOOTSTRAP": self.ground.kafka,
            "ARREARS_DATABASE_URL": self.ground.url,
            "ARREARS_HTTP_PORT": str(port),
            "ARREARS_LOG_LEVEL": "warning",
            **self.settings,
        }


@asynccontextmanager
async def copies(ground: Ground, **settings: str) -> AsyncIterator[Copies]:
    """No copy yet; those that still run at the end are stopped."""
    with TemporaryDirectory(prefix="arrears-bench-") as folder:
        async with httpx.AsyncClient(timeout=5) as client:
            all_copies = Copies(ground, Path(folder), client, settings)
            try:
                yield all_copies
            finally:
                await asyncio.gather(*(copy.child.stop() for copy in all_copies.running))
