"""Fixtures that every kind of test may use: real parts, a database of one's own, topics of one's own."""

import gc
import uuid
from collections.abc import AsyncIterator, Awaitable, Generator
from typing import Protocol

import pytest
import pytest_asyncio
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from deploy.local.kafka import KafkaServer
from tests.parts import BROKER_SESSION_MS, Parts, chosen_parts, drop_database, new_database, up

PARTS = pytest.StashKey[Parts]()


class DatabaseFactory(Protocol):
    """`await database("ingest")`: SQLAlchemy's URL for the role, in the module's own database."""

    async def __call__(self, role: str, *, fresh: bool = False, scheme: str = "postgresql+asyncpg") -> str:
        """`fresh` makes another new database first; later calls then stay in that one."""


class TopicFactory(Protocol):
    """`await topic("billing", partitions=2)`: the name of a new topic."""

    def __call__(self, hint: str = "topic", *, partitions: int = 2) -> Awaitable[str]: ...


def pytest_configure(config: pytest.Config) -> None:
    config.stash[PARTS] = chosen_parts()


def pytest_report_header(config: pytest.Config) -> str:
    return f"parts: {config.stash[PARTS].description}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(call: pytest.CallInfo[None]) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Collect no garbage while a failure is put in words.

    Python 3.11 counts the depth of parsing in one place: a finalizer that shows a traceback while pytest parses a
    failure's source ends the whole run ("AST constructor recursion depth mismatch").
    """
    if call.excinfo is None:
        return (yield)
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()


@pytest_asyncio.fixture(scope="session")
async def parts(pytestconfig: pytest.Config) -> AsyncIterator[Parts]:
    """Real Kafka and PostgreSQL; each starts when it is first asked for."""
    chosen = pytestconfig.stash[PARTS]
    yield chosen
    await chosen.stop()


@pytest_asyncio.fixture(scope="session")
async def kafka(parts: Parts) -> str:
    """`host:port` of a real broker that lives as long as the run."""
    return await parts.kafka()


@pytest_asyncio.fixture(scope="module")
async def own_kafka(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    """A local broker of the module's own: for tests that would see what others left on the topics of the system."""
    folder = tmp_path_factory.mktemp("own-kafka")
    server = KafkaServer(folder / "kafka", folder / "kafka.log", session_ms=BROKER_SESSION_MS)
    async with up(server):
        yield server.bootstrap


@pytest_asyncio.fixture(scope="module")
async def database(parts: Parts) -> AsyncIterator[DatabaseFactory]:
    """A new database for this module, with the empty schema of every service; gone after it."""
    created: list[str] = []

    async def url(role: str, *, fresh: bool = False, scheme: str = "postgresql+asyncpg") -> str:
        if fresh or not created:
            created.append(await new_database(parts))
        return await parts.postgres_url(role, created[-1], scheme)

    yield url
    for name in created:
        await drop_database(parts, name)


@pytest_asyncio.fixture
async def topic(kafka: str) -> AsyncIterator[TopicFactory]:
    """Topics with names of their own, so that tests sharing a broker do not meet."""
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
    await admin.start()

    async def create(hint: str = "topic", *, partitions: int = 2) -> str:
        name = f"{hint}-{uuid.uuid4().hex[:8]}"
        await admin.create_topics([NewTopic(name, partitions, 1)])
        return name

    yield create
    await admin.close()
