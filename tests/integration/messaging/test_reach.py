"""Kafka has not what a shard would read next, or does not let its member in: both are said, nothing is passed over."""

import asyncio
import signal
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete

from deploy.local.kafka import KafkaServer
from deploy.local.ports import free_port
from shared.messaging.reach import out_of_reach
from tests.conftest import DatabaseFactory
from tests.integration.messaging.published import repayment
from tests.integration.messaging.rig import PARTITIONS, Rig, rig_on, start_program
from tests.integration.messaging.running import ready
from tests.integration.messaging.tally import CALENDAR, TOPICS
from tests.parts import BROKER_SESSION_MS
from tests.waiting import until

TOPIC = TOPICS[1]
DAYS = TopicPartition(CALENDAR, 0)
FETCHES_ANSWERED_S = 2.0
"""After that the broker has answered whatever a process asked it for before it was stopped."""
BY_ANN = {"actor": "ann", "reason": "the topic was made anew"}


async def _all_stopped(client: httpx.AsyncClient) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await client.get("/health/ready")).json()["stopped"]
    return found if len(found) == PARTITIONS else []


async def _resumed(client: httpx.AsyncClient, topic: str, reason: str) -> None:
    """Both shards have stopped for it; somebody resumes them."""
    stopped = await until(lambda: _all_stopped(client), "both shards to stop")
    assert {stop["reason"] for stop in stopped} == {"topic_out_of_reach"}
    assert all(reason in stop["detail"] and stop["detail"].startswith(f"{topic}/") for stop in stopped)
    for n in range(PARTITIONS):
        assert (await client.post(f"/shards/tally/{n}/resume", json=BY_ANN)).status_code == 200


async def _delete(rig: Rig, before: Mapping[TopicPartition, int]) -> None:
    """As retention does."""
    admin = AIOKafkaAdminClient(bootstrap_servers=rig.kafka)
    await admin.start()
    await admin.delete_records({place: RecordsToDelete(before_offset=offset) for place, offset in before.items()})
    await admin.close()


async def _applied_to(rig: Rig) -> Mapping[TopicPartition, int]:
    rows = await rig.rows("SELECT partition, offsets FROM shard WHERE stream = 'tally'")
    return {TopicPartition(TOPIC, row.partition): row.offsets[TOPIC] for row in rows}


@pytest.mark.parametrize("topic", [TOPIC, CALENDAR])
async def test_a_topic_made_anew_is_not_taken_for_the_one_that_was_read(own_rig: Rig, topic: str) -> None:
    await own_rig.execute(
        "UPDATE shard SET offsets = offsets || jsonb_build_object(CAST(:topic AS text), 10) WHERE stream = 'tally'",
        topic=topic,
    )
    running = own_rig.start()
    async with ready(running) as client:
        await _resumed(client, topic, "was read up to 10 and ends at 0")
    await own_rig.publish([repayment(n) for n in range(40)])
    await own_rig.assert_exact(40)
    await own_rig.close_day("2026-01-01")
    await until(lambda: _closed(own_rig, 1), "the day to be closed")
    await running.stop()


async def _closed(rig: Rig, days: int) -> bool:
    """Whether each shard has applied that many days."""
    rows = await rig.rows("SELECT offsets FROM shard WHERE stream = 'tally'")
    return {row.offsets[CALENDAR] - rig.starts[DAYS] for row in rows} == {days}


async def test_a_shard_that_never_read_begins_where_the_topics_do(own_rig: Rig) -> None:
    await own_rig.publish([repayment(n) for n in range(40)])
    for day in ("2026-01-01", "2026-01-02", "2026-01-03"):
        await own_rig.close_day(day)
    await _delete(own_rig, {DAYS: 2} | {TopicPartition(TOPIC, n): 3 for n in range(PARTITIONS)})
    running = own_rig.start()
    await until(lambda: _closed(own_rig, 3), "the day that is left to be closed")
    await own_rig.assert_exact(40 - 3 * PARTITIONS)
    assert [str(row[0]) for row in await own_rig.rows("SELECT DISTINCT business_date FROM closed")] == ["2026-01-03"]
    await running.stop()


async def test_what_retention_deleted_unread_is_not_passed_over_in_silence(lone_rig: Rig) -> None:
    running = lone_rig.start()
    await lone_rig.publish([repayment(n) for n in range(40)])
    await lone_rig.assert_exact(40)
    await running.stop()
    applied = await _applied_to(lone_rig)
    await lone_rig.publish([repayment(n) for n in range(40, 80)])
    await _delete(lone_rig, {place: offset + 2 for place, offset in applied.items()})
    restarted = lone_rig.start()
    async with ready(restarted) as client:
        await _resumed(client, TOPIC, "what lay between was deleted unread")
    await lone_rig.assert_exact(80 - 2 * PARTITIONS)
    await restarted.stop()


@pytest.mark.parametrize("topic", [TOPIC, CALENDAR])
async def test_nor_what_was_deleted_while_the_service_ran(lone_rig: Rig, topic: str) -> None:
    port = free_port()
    program = await start_program(lone_rig, ARREARS_HTTP_PORT=str(port), ARREARS_SESSION_TIMEOUT_S="30")
    await lone_rig.publish([repayment(n) for n in range(40)])
    await lone_rig.close_day("2026-01-01")
    await lone_rig.assert_exact(40)
    await until(lambda: _closed(lone_rig, 1), "the day to be closed")
    program.send_signal(signal.SIGSTOP)
    await asyncio.sleep(FETCHES_ANSWERED_S)
    applied = await _applied_to(lone_rig)
    await lone_rig.publish([repayment(n) for n in range(40, 80)])
    for day in ("2026-01-02", "2026-01-03"):
        await lone_rig.close_day(day)
    gone = {DAYS: lone_rig.starts[DAYS] + 2} if topic == CALENDAR else {tp: at + 2 for tp, at in applied.items()}
    await _delete(lone_rig, gone)
    program.send_signal(signal.SIGCONT)
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=20) as client:
        await _resumed(client, topic, "what lay between was deleted unread")
    await lone_rig.assert_exact(80 if topic == CALENDAR else 80 - 2 * PARTITIONS)
    await until(lambda: _closed(lone_rig, 3), "the days to be closed")
    program.terminate()
    output, _ = await asyncio.wait_for(program.communicate(), 60)
    assert program.returncode == 0, output.decode()


def test_what_is_in_reach() -> None:
    a, b = TopicPartition("a", 1), TopicPartition("b", 1)
    assert out_of_reach({"a": 5}, {a: (0, 5), b: (3, 9)}) == {}
    assert out_of_reach({"a": 5, "b": 3}, {a: (5, 5), b: (3, 9)}) == {}
    assert list(out_of_reach({"a": 6, "b": 2}, {a: (0, 5), b: (3, 9)})) == [a, b]


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


async def test_a_session_that_the_broker_forbids_ends_the_process_with_one_line(strict_rig: Rig) -> None:
    program = await start_program(strict_rig, ARREARS_SESSION_TIMEOUT_S="5")
    output, _ = await program.communicate()
    assert program.returncode == 78, output.decode()
    assert "misconfigured: ARREARS_SESSION_TIMEOUT_S: " in output.decode().splitlines()[-1]
