"""The tally on real parts, one service name and database a test."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from deploy.local.kafka import KafkaServer
from tests.conftest import DatabaseFactory
from tests.integration.messaging.rig import Rig, new_rig, rig_on
from tests.parts import BROKER_SESSION_MS

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Processes cut off on purpose leave their sockets to the garbage collector, as killed ones do."""
    for item in items:
        if item.path.parent == HERE:
            item.add_marker(pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"))


@pytest_asyncio.fixture
async def rig(kafka: str, database: DatabaseFactory) -> AsyncIterator[Rig]:
    """The broker has all topics; the database is this test's own."""
    async with new_rig(kafka, await database("ingest", fresh=True)) as found:
        yield found


@pytest_asyncio.fixture
async def lone_rig(own_kafka: str, database: DatabaseFactory) -> AsyncIterator[Rig]:
    """On a broker that nobody else publishes to, for tests that leave its topics as they are."""
    async with new_rig(own_kafka, await database("ingest", fresh=True)) as found:
        yield found


@pytest_asyncio.fixture
async def own_rig(tmp_path: Path, database: DatabaseFactory) -> AsyncIterator[Rig]:
    """A broker of the test's own, since partitions that were added stay."""
    server = KafkaServer(tmp_path / "kafka", tmp_path / "kafka.log", session_ms=BROKER_SESSION_MS)
    async with rig_on(server, await database("ingest", fresh=True)) as found:
        yield found
