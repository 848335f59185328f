"""One to four copies of a service, added and taken away under load: the result is the one that a single copy has."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from deploy.topics import create_topics
from tests.conftest import DatabaseFactory
from tests.integration.messaging.rig import Rig, first_appearances, new_rig, repayment, start_program, until
from tests.integration.messaging.tally import create

PARTITIONS = 4
FACTS = 6000
ACCOUNTS = 40
SLOW = {"ARREARS_SLOW_MS": "15", "ARREARS_BATCH_RECORDS_MAX": "40"}

pytestmark = pytest.mark.timeout(240)


@pytest_asyncio.fixture
async def wide_rig(own_kafka: str, database: DatabaseFactory) -> AsyncIterator[Rig]:
    """On a broker of its own, since topics have another number of partitions here."""
    await create_topics(own_kafka, PARTITIONS)
    async with new_rig(own_kafka, await database("ingest", fresh=True), create, PARTITIONS) as found:
        yield found


async def test_copies_come_and_go_under_load_and_change_no_result(wide_rig: Rig) -> None:
    rig = wide_rig
    facts = [repayment(n, account=f"account-{n % ACCOUNTS}") for n in range(FACTS)]
    publishing = asyncio.create_task(rig.publish(facts))
    copies = [await start_program(rig, **SLOW)]
    await rig.applied(200)
    for _ in range(3):
        copies.append(await start_program(rig, **SLOW))
        await _some_more(rig)
    owners = len(copies)
    for copy in copies[:3]:
        copy.terminate()
        await asyncio.wait_for(copy.communicate(), 60)
        assert copy.returncode == 0
        await _some_more(rig)
    await publishing
    told = first_appearances(await rig.assert_exact(FACTS))
    assert owners == 4
    for account in range(ACCOUNTS):
        mine = [int(one.subject[1:]) for one in told if int(one.subject[1:]) % ACCOUNTS == account]
        assert mine == sorted(mine), "an account's events are in the order of its facts"
    epochs = await rig.rows("SELECT epoch FROM shard WHERE stream = 'tally'")
    assert all(row.epoch > 1 for row in epochs), "each shard changed hands"
    copies[3].terminate()
    await asyncio.wait_for(copies[3].communicate(), 60)


async def _some_more(rig: Rig) -> None:
    """Until a few hundred more facts took effect, or all did."""
    enough = min(FACTS, await rig.effects() + 300)
    await until(lambda: _has(rig, enough), "the load to go on", 60)


async def _has(rig: Rig, count: int) -> bool:
    return await rig.effects() >= count
