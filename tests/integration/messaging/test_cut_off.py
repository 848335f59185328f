"""A member that the broker cannot hear, with records at hand and the database in reach: it is replaced."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from shared.messaging import ShardId, relay, store
from tests.conftest import DatabaseFactory
from tests.integration.messaging.outage import KafkaWithALine
from tests.integration.messaging.published import repayment
from tests.integration.messaging.rig import PARTITIONS, Rig, rig_on, start_program
from tests.line import Line
from tests.waiting import until


@pytest_asyncio.fixture
async def lined(tmp_path: Path, database: DatabaseFactory) -> AsyncIterator[tuple[Rig, Line]]:
    """A broker with a line that can be cut."""
    server = KafkaWithALine(tmp_path / "kafka", tmp_path / "kafka.log")
    async with server.reached(), rig_on(server, await database("ingest", fresh=True)) as rig:
        yield rig, server.line


async def test_a_process_cut_off_from_the_broker_is_replaced_cannot_write_and_comes_back(
    lined: tuple[Rig, Line],
) -> None:
    rig, line = lined
    far = f"127.0.0.1:{line.port}"
    apart = await start_program(rig, ARREARS_KAFKA_BOOTSTRAP=far, ARREARS_SLOW_MS="100", ARREARS_BATCH_RECORDS_MAX="20")
    await rig.publish([repayment(n) for n in range(4_000)])
    await rig.applied(60)
    line.cut()
    had = await rig.effects()
    taking = rig.start()
    await taking.owns(PARTITIONS)
    assert await rig.effects() > had, "nothing was at hand: this shows nothing"
    await until(lambda: _taken(rig), "both shards to be taken over")
    await rig.publish([repayment(n) for n in range(4_000, 4_400)])
    await rig.assert_exact(4_400)
    assert await _taken(rig), "it took a shard back, to which it could do nothing"
    assert apart.returncode is None
    line.mend()
    await taking.stop()
    await rig.publish([repayment(n) for n in range(4_400, 4_800)])
    await rig.assert_exact(4_800)
    apart.terminate()
    output, _ = await asyncio.wait_for(apart.communicate(), 60)
    assert apart.returncode == 0, output.decode()
    assert b"shard_fenced" in output


async def _taken(rig: Rig) -> bool:
    """Whether each shard has gone from its first owner to the second, and stayed there."""
    return [row.epoch for row in await rig.rows("SELECT epoch FROM shard WHERE stream = 'tally'")] == [2] * PARTITIONS


async def test_an_owner_with_nothing_to_do_finds_out_that_another_took_its_shard(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relay, "OWNED_LOOK_S", 0.5)
    owner = rig.start()
    await owner.owns(PARTITIONS)
    await rig.publish([repayment(n) for n in range(20)])
    await rig.assert_exact(20)
    async with rig.engine.begin() as connection:
        taken, _ = await store.acquire(connection, ShardId("tally", 0))
    await until(lambda: _again(rig, taken.epoch), "the owner to take it back")
    await rig.publish([repayment(n) for n in range(20, 40)])
    await rig.assert_exact(40)
    await owner.stop()


async def _again(rig: Rig, epoch: int) -> bool:
    (row,) = await rig.rows("SELECT epoch FROM shard WHERE stream = 'tally' AND partition = 0")
    return bool(row.epoch > epoch)
