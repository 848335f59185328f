"""Kafka has not what a shard would read next, or does not let its member in: both are said, nothing is passed over."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete

from deploy.local.kafka import KafkaServer
from shared.messaging.reach import out_of_reach
from tests.conftest import DatabaseFactory
from tests.integration.messaging.published import repayment
from tests.integration.messaging.rig import PARTITIONS, Rig, rig_on, start_program
from tests.integration.messaging.running import Running, ready
from tests.integration.messaging.tally import TOPICS
from tests.parts import BROKER_SESSION_MS
from tests.waiting import until

TOPIC = TOPICS[1]
BY_ANN = {"actor": "ann", "reason": "the topic was made anew"}


async def _all_stopped(client: httpx.AsyncClient) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await client.get("/health/ready")).json()["stopped"]
    return found if len(found) == PARTITIONS else []


async def _resumed(running: Running, reason: str) -> None:
    """Both shards have stopped for it; somebody resumes them."""
    async with ready(running) as client:
        stopped = await until(lambda: _all_stopped(client), "both shards to stop")
        assert {stop["reason"] for stop in stopped} == {"topic_out_of_reach"}
        assert all(reason in stop["detail"] and stop["detail"].startswith(f"{TOPIC}/") for stop in stopped)
        for n in range(PARTITIONS):
            assert (await client.post(f"/shards/tally/{n}/resume", json=BY_ANN)).status_code == 200


async def test_a_topic_made_anew_is_not_taken_for_the_one_that_was_read(own_rig: Rig) -> None:
    await own_rig.execute(
        "UPDATE shard SET offsets = offsets || jsonb_build_object(CAST(:topic AS text), 10) WHERE stream = 'tally'",
        topic=TOPIC,
    )
    running = own_rig.start()
    await running.owns(PARTITIONS)
    await _resumed(running, "was read up to 10 and ends at 0")
    await own_rig.publish([repayment(n) for n in range(40)])
    await own_rig.assert_exact(40)
    await running.stop()


async def test_what_retention_deleted_unread_is_not_passed_over_in_silence(own_rig: Rig) -> None:
    running = own_rig.start()
    await running.owns(PARTITIONS)
    await own_rig.publish([repayment(n) for n in range(40)])
    await own_rig.assert_exact(40)
    await running.stop()
    applied = await own_rig.rows("SELECT shard, count(*) AS facts FROM effect GROUP BY shard")
    ends = {row.shard: row.facts for row in applied}
    await own_rig.publish([repayment(n) for n in range(40, 80)])
    admin = AIOKafkaAdminClient(bootstrap_servers=own_rig.kafka)
    await admin.start()
    unread = {TopicPartition(TOPIC, n): RecordsToDelete(before_offset=end + 2) for n, end in ends.items()}
    await admin.delete_records(unread)
    await admin.close()
    restarted = own_rig.start()
    await restarted.owns(PARTITIONS)
    await _resumed(restarted, "what lay between was deleted unread")
    await own_rig.assert_exact(80 - 2 * PARTITIONS)
    await restarted.stop()


def test_what_is_in_reach() -> None:
    assert out_of_reach({"a": 5}, {"a": (0, 5), "b": (3, 9)}, 1) == {}
    assert out_of_reach({"a": 5, "b": 3}, {"a": (5, 5), "b": (3, 9)}, 1) == {}
    assert list(out_of_reach({"a": 6, "b": 2}, {"a": (0, 5), "b": (3, 9)}, 1)) == ["a", "b"]


class Strict(KafkaServer):
    """A broker as Kafka comes: sessions are 6 s at least."""

    def settings(self, controller_port: int, data: Path) -> str:
        """Those of any other, but for that."""
        return super().settings(controller_port, data) + "group.min.session.timeout.ms=6000\n"


@pytest_asyncio.fixture
async def strict_rig(tmp_path: Path, database: DatabaseFactory) -> AsyncIterator[Rig]:
    server = Strict(tmp_path / "kafka", tmp_path / "kafka.log", session_ms=BROKER_SESSION_MS)
    async with rig_on(server, await database("ingest", fresh=True)) as rig:
        yield rig


@pytest.mark.timeout(180)
async def test_a_session_that_the_broker_forbids_ends_the_process_with_one_line(strict_rig: Rig) -> None:
    program = await start_program(strict_rig, ARREARS_SESSION_TIMEOUT_S="5")
    output, _ = await program.communicate()
    assert program.returncode == 78, output.decode()
    assert "misconfigured: ARREARS_SESSION_TIMEOUT_S: " in output.decode().splitlines()[-1]
