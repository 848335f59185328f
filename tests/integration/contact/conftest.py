"""A lab on a database of the module's own, empty at each test."""

from collections.abc import AsyncIterator

import pytest_asyncio

from tests.conftest import DatabaseFactory
from tests.integration.contact.lab import Lab, new_lab


@pytest_asyncio.fixture(scope="module")
async def module_lab(database: DatabaseFactory) -> AsyncIterator[Lab]:
    lab = await new_lab(await database("contact"))
    yield lab
    await lab.engine.dispose()


@pytest_asyncio.fixture
async def lab(module_lab: Lab) -> Lab:
    """The module's database, with nothing in it, a new clock and new channels."""
    await module_lab.empty()
    return Lab(module_lab.engine)
