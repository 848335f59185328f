"""The tally on real parts, one service name and database a test."""

import gc
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from deploy.topics import create_topics
from tests.conftest import DatabaseFactory
from tests.integration.messaging.rig import PARTITIONS, Rig, new_rig
from tests.integration.messaging.tally import create

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Processes cut off on purpose leave their sockets to the garbage collector, as killed ones do."""
    for item in items:
        if item.path.parent == HERE:
            item.add_marker(pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"))


@pytest_asyncio.fixture
async def rig(kafka: str, database: DatabaseFactory) -> AsyncIterator[Rig]:
    """The broker has all topics; the database is this test's own."""
    await create_topics(kafka, partitions=PARTITIONS)
    async with new_rig(kafka, await database("ingest", fresh=True), create) as found:
        yield found
    gc.collect()
