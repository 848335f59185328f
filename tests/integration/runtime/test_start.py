"""How a service starts where something is wrong: one clear line, a named setting, patience, and no traceback."""

import asyncio
import json
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import make_url
from sqlalchemy.ext.asyncio import create_async_engine

from deploy.local.ports import free_port
from shared.messaging import tables
from tests.conftest import DatabaseFactory
from tests.line import Line

ROOT = Path(__file__).resolve().parents[3]
NOBODY = "postgresql+asyncpg://nobody:none@127.0.0.1:1/arrears"
PATIENCE_S = 30.0


class Started:
    """One running process and what it has said."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.said = ""
        self._reading = asyncio.create_task(self._read())

    async def _read(self) -> None:
        assert self.process.stdout is not None
        async for line in self.process.stdout:
            self.said += line.decode()

    async def end(self) -> int:
        """Its exit status, once it has ended and all it said is read."""
        async with asyncio.timeout(PATIENCE_S):
            await self._reading
            return await self.process.wait()

    def lines(self, event: str) -> list[dict[str, Any]]:
        """The log's entries of that name."""
        found = [json.loads(line) for line in self.said.splitlines() if line.startswith("{")]
        return [entry for entry in found if entry.get("event") == event]

    async def until(self, condition: Callable[[], bool]) -> None:
        """Return when it holds; fail with what was said when it does not."""
        try:
            async with asyncio.timeout(PATIENCE_S):
                while not condition():
                    assert self.process.returncode is None, self.said
                    await asyncio.sleep(0.05)
        except TimeoutError:
            pytest.fail(self.said)


@asynccontextmanager
async def started(**settings: str) -> AsyncIterator[Started]:
    """The bare service under these settings (without ARREARS_) and no others; killed at the end of the block."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("ARREARS_")}
    environment |= {f"ARREARS_{name.upper()}": value for name, value in settings.items()}
    command = (sys.executable, "-m", "tests.integration.runtime.bare")
    process = await asyncio.create_subprocess_exec(
        *command, cwd=ROOT, env=environment, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    running = Started(process)
    try:
        yield running
    finally:
        if process.returncode is None:
            process.kill()
        await running.end()


@pytest.fixture
async def migrated(database: DatabaseFactory) -> str:
    """A database URL whose schema has the tables that the loop needs."""
    url = await database("reporting", fresh=True)
    engine = create_async_engine(url)
    async with engine.begin() as connection:
        await connection.run_sync(tables.create)
    await engine.dispose()
    return url


async def test_missing_and_malformed_settings_end_the_start_and_are_all_named() -> None:
    async with started(http_port="eighty", clock="simulated", log_level="loud") as service:
        assert await service.end() == 78
        (line,) = service.said.splitlines()
        assert line.startswith("misconfigured: ")
        for name in ("KAFKA_BOOTSTRAP: is missing", "DATABASE_URL: is missing", "HTTP_PORT: ", "LOG_LEVEL: "):
            assert f"ARREARS_{name}" in line


async def test_simulated_time_is_refused_in_production() -> None:
    async with started(kafka_bootstrap="127.0.0.1:1", database_url=NOBODY, clock="simulated") as service:
        assert await service.end() == 78
        assert service.said == "misconfigured: ARREARS_CLOCK=simulated needs ARREARS_ENVIRONMENT=local\n"


async def test_a_port_in_use_is_said_in_one_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        async with started(kafka_bootstrap="127.0.0.1:1", database_url=NOBODY, http_port=port) as service:
            assert await service.end() == 78
            assert "Traceback" not in service.said
            (line,) = [line for line in service.said.splitlines() if line.startswith("misconfigured: ")]
            assert f"ARREARS_HTTP_PORT: cannot listen on 127.0.0.1:{port}" in line


async def test_an_unreachable_database_is_waited_for_with_one_line_a_try() -> None:
    port = str(free_port())
    async with started(kafka_bootstrap="127.0.0.1:1", database_url=NOBODY, http_port=port) as service:
        await service.until(lambda: len(service.lines("database_unreachable")) >= 4)
        assert "Traceback" not in service.said
        assert len(service.said.splitlines()) == len(service.lines("database_unreachable"))
        service.process.send_signal(signal.SIGTERM)
        assert await service.end() == 0, service.said


async def test_an_unreachable_broker_is_waited_for_without_a_storm(migrated: str) -> None:
    port = str(free_port())
    async with started(kafka_bootstrap=f"127.0.0.1:{free_port()}", database_url=migrated, http_port=port) as service:
        await service.until(lambda: len(service.lines("broker_unreachable")) >= 4)
        assert "Traceback" not in service.said
        assert len(service.said.splitlines()) <= 2 * len(service.lines("broker_unreachable"))
        service.process.send_signal(signal.SIGTERM)
        assert await service.end() == 0, service.said


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"password": "guessed"}, "ARREARS_DATABASE_URL: the password is refused"),
        ({"database": "elsewhere"}, "ARREARS_DATABASE_URL: there is no such database"),
        ({"username": "stranger"}, "ARREARS_DATABASE_URL: the password is refused"),
    ],
)
async def test_a_wrong_way_into_the_database_ends_the_start(
    database: DatabaseFactory, wrong: dict[str, Any], sentence: str
) -> None:
    url = make_url(await database("reporting")).set(**wrong).render_as_string(hide_password=False)
    async with started(kafka_bootstrap="127.0.0.1:1", database_url=url, http_port=str(free_port())) as service:
        assert await service.end() == 78
        assert service.said == f"misconfigured: {sentence}\n"


async def test_a_schema_without_tables_ends_the_start_and_says_what_to_run(database: DatabaseFactory) -> None:
    url = await database("reporting", fresh=True)
    async with started(kafka_bootstrap="127.0.0.1:1", database_url=url, http_port=str(free_port())) as service:
        assert await service.end() == 78
        assert "run its `migrate` command first" in service.said
        assert "Traceback" not in service.said


async def test_a_database_that_comes_back_is_used(migrated: str, kafka: str) -> None:
    """The port is closed at first and then forwarded, as when a database is restarted."""
    url = make_url(migrated)
    front = free_port()
    address = url.set(host="127.0.0.1", port=front).render_as_string(hide_password=False)
    async with started(kafka_bootstrap=kafka, database_url=address, http_port=str(free_port())) as service:
        await service.until(lambda: bool(service.lines("database_unreachable")))
        async with Line().open((str(url.host), url.port or 5432), front):
            # Which of the two depends on what other tests left on the broker.
            await service.until(lambda: bool(service.lines("topics_missing") or service.lines("ready")))
        assert "Traceback" not in service.said


async def test_health_says_starting_until_everything_answers(migrated: str) -> None:
    port = free_port()
    broker = f"127.0.0.1:{free_port()}"
    async with started(kafka_bootstrap=broker, database_url=migrated, http_port=str(port)) as service:
        await service.until(lambda: bool(service.lines("broker_unreachable")))
        assert await _status(port, "/health/live") == 200
        assert await _status(port, "/health/ready") == 503


async def _status(port: int, path: str) -> int:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
    line = await reader.readline()
    writer.close()
    return int(line.split()[1])
