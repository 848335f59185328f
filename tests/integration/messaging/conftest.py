"""The tally on real parts, one service name and database a test."""

from collections.abc import AsyncIterator

import pytest_asyncio

from deploy.topics import create_topics
from tests.conftest import DatabaseFactory
from tests.integration.messaging.rig import PARTITIONS, Rig, new_rig
from tests.integration.messaging.tally import create


@pytest_asyncio.fixture
async def rig(kafka: str, database: DatabaseFactory) -> AsyncIterator[Rig]:
    """The broker has all topics; the database is this test's own."""
    await create_topics(kafka, partitions=PARTITIONS)
    async with new_rig(kafka, await database("ingest", fresh=True), create) as found:
        yield found
