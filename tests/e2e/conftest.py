"""A local system for a module of end-to-end tests: its parts and services as real processes, on simulated time.

Not one for all of them: it would run on beside every other test of its worker.
"""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from deploy.local.environments import Options
from deploy.local.supervisor import LocalSystem
from tests.e2e.crowd import Calendar
from tests.e2e.doors import Doors, Places


@pytest_asyncio.fixture(scope="module")
async def system(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[LocalSystem]:
    """Everything running, with nothing published yet."""
    folder: Path = tmp_path_factory.mktemp("system")
    async with LocalSystem(folder, options=Options(clock="simulated", durable=False)) as running:
        yield running


@pytest_asyncio.fixture(scope="module")
async def doors(system: LocalSystem) -> AsyncIterator[Doors]:
    """The system as its users have it."""
    at = system.addresses
    async with Doors(Places(at.kafka, at.http, at.sms_gateway)) as opened:
        yield opened


@pytest.fixture(scope="module")
def calendar(doors: Doors) -> Calendar:
    """The days of the system; each test takes a week."""
    return Calendar(doors)
