"""One to four copies of a service, added and taken away under load: the result is the one that a single copy has."""

import asyncio
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from contextlib import suppress

import httpx
import pytest
import pytest_asyncio

from deploy.local.ports import free_port
from tests.conftest import DatabaseFactory
from tests.integration.messaging.published import repayment
from tests.integration.messaging.rig import Rig, new_rig, start_program
from tests.integration.messaging.told import first_appearances
from tests.waiting import until

PARTITIONS = 4
ACCOUNTS = 40
AHEAD = 600
START_S = 240.0
SLOW = {"ARREARS_SLOW_MS": "15", "ARREARS_BATCH_RECORDS_MAX": "40"}

pytestmark = pytest.mark.timeout(600)


@pytest_asyncio.fixture
async def wide_rig(own_kafka: str, database: DatabaseFactory) -> AsyncIterator[Rig]:
    """On a broker of its own, since topics have another number of partitions here."""
    async with new_rig(own_kafka, await database("ingest", fresh=True), PARTITIONS) as found:
        yield found


class _Load:
    """Facts without an end until it is told to stop, never far ahead of what has taken effect.

    So each copy joins and leaves under load, however fast or slow the machine is.
    """

    def __init__(self, rig: Rig) -> None:
        self.published = 0
        self._rig = rig
        self._stop = asyncio.Event()
        self._publishing = asyncio.create_task(self._publish())

    async def _publish(self) -> None:
        while not self._stop.is_set():
            if self.published - await self._rig.effects() < AHEAD:
                numbers = range(self.published, self.published + AHEAD // 2)
                await self._rig.publish([repayment(n, account=f"account-{n % ACCOUNTS}") for n in numbers])
                self.published = numbers.stop
            await asyncio.sleep(0.01)

    async def end(self) -> int:
        """No more; how many there were."""
        self._stop.set()
        await self._publishing
        return self.published


async def test_copies_come_and_go_under_load_and_change_no_result(wide_rig: Rig) -> None:
    rig = wide_rig
    load = _Load(rig)
    copies = [await _joined(rig, owners) for owners in (1, 2, 3, 4)]
    for copy in copies[:3]:
        had = await _epochs(rig)
        copy.terminate()
        await asyncio.wait_for(copy.communicate(), 60)
        assert copy.returncode == 0
        await _some_more(rig, had)
    facts = await load.end()
    told = first_appearances(await rig.assert_exact(facts))
    for account in range(ACCOUNTS):
        mine = [int(one.subject[1:]) for one in told if int(one.subject[1:]) % ACCOUNTS == account]
        assert mine == sorted(mine), "an account's events are in the order of its facts"
    copies[3].terminate()
    await asyncio.wait_for(copies[3].communicate(), 60)


async def _joined(rig: Rig, owners: int) -> Process:
    """One more copy, once it applies its share of the shards, and the others theirs."""
    port, had = free_port(), await _epochs(rig)
    copy = await start_program(rig, **SLOW, ARREARS_HTTP_PORT=str(port))
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=20) as client:
        # Before it has a door there is nothing to wait for but a processor, which a busy machine may give it late.
        await until(lambda: _answers(client, copy), f"copy {owners} to have started", START_S)
        await until(lambda: _owns(client, PARTITIONS // owners), f"copy {owners} to own its share")
    await _some_more(rig, had)
    return copy


async def _answers(client: httpx.AsyncClient, copy: Process) -> bool:
    assert copy.returncode is None, "it ended"
    with suppress(httpx.TransportError):
        return (await client.get("/health/ready")).status_code == 200
    return False


async def _owns(client: httpx.AsyncClient, shards: int) -> bool:
    progress = (await client.get("/progress")).raise_for_status().json()
    return len(progress["owned"].get("tally", {})) >= shards


async def _epochs(rig: Rig) -> list[int]:
    return [row.epoch for row in await rig.rows("SELECT epoch FROM shard WHERE stream = 'tally' ORDER BY partition")]


async def _some_more(rig: Rig, had: list[int]) -> None:
    """Until each shard has changed hands since, and a few hundred more facts took effect."""
    await until(lambda: _handed_over(rig, had), "each shard to change hands")
    await rig.applied(await rig.effects() + 300)


async def _handed_over(rig: Rig, had: list[int]) -> bool:
    return all(now > before for now, before in zip(await _epochs(rig), had, strict=True))
