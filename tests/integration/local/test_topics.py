"""Topics on a real broker: created once, and never silently with another partition count."""

import asyncio

import pytest
import typer
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient

from deploy.topics import create_topics, increase_partitions, main, patiently
from shared.contracts.topics import TOPICS
from shared.messaging.drained import ends_of
from shared.messaging.prepared import leave_word
from shared.vocabulary.errors import Misconfigured


@pytest.fixture(scope="module")
def kafka(own_kafka: str) -> str:
    """What other tests left on the topics would be read here too."""
    return own_kafka


async def test_topics_are_created_once_and_their_partition_count_is_held(kafka: str) -> None:
    created = await create_topics(kafka, partitions=2)
    assert {"banking.billing", "banking.billing.dead-letter", "contact.outcomes"} <= set(created)
    assert await create_topics(kafka, partitions=2) == []
    with pytest.raises(Misconfigured, match=r"banking\.billing has 2 partitions, 3 are asked for"):
        await create_topics(kafka, partitions=3)
    counts = await _counts(kafka)
    assert (counts["banking.billing"], counts["banking.calendar"]) == (2, 1)


async def test_partitions_are_added_once_every_service_is_set_up_and_nothing_came_since(kafka: str) -> None:
    await create_topics(kafka, partitions=2)
    with pytest.raises(Misconfigured, match="contact is not set up for 3 partitions; ingest is not"):
        # A broker that never had a group needs a moment for the first.
        await patiently(lambda: increase_partitions(kafka, 3), 60)
    await _leave_word(kafka, 3)
    producer = AIOKafkaProducer(bootstrap_servers=kafka)
    await producer.start()
    await producer.send_and_wait("contact.outcomes", b"{}", partition=1)
    await producer.stop()
    with pytest.raises(Misconfigured) as refused:
        await increase_partitions(kafka, 3)
    written = "contact.outcomes 1 was written to since"
    assert str(refused.value) == f"{written} reporting was set up; {written} strategy was set up"
    assert (await _counts(kafka))["contact.outcomes"] == 2
    await _leave_word(kafka, 3)
    with pytest.raises(Misconfigured, match="not set up for 4 partitions"):
        await increase_partitions(kafka, 4)
    added = await increase_partitions(kafka, 3)
    assert {"banking.billing", "banking.billing.dead-letter", "contact.outcomes"} <= set(added)
    assert await increase_partitions(kafka, 3) == []
    with pytest.raises(Misconfigured, match=r"banking\.accounts has 3 partitions, 2 are asked for"):
        await increase_partitions(kafka, 2)
    counts = await _counts(kafka)
    assert (counts["contact.outcomes"], counts["banking.calendar"]) == (3, 1)


async def _leave_word(kafka: str, partitions: int) -> None:
    for service in ("ingest", "strategy", "contact", "reporting"):
        topics = [topic.name for topic in TOPICS if service in topic.consumers]
        await leave_word(kafka, service, await ends_of(kafka, topics), partitions)


async def _counts(kafka: str) -> dict[str, int]:
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
    await admin.start()
    try:
        return {found["topic"]: len(found["partitions"]) for found in await admin.describe_topics()}
    finally:
        await admin.close()


async def test_a_broker_that_stays_away_is_given_up(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(typer.Exit):
        await asyncio.to_thread(main, "127.0.0.1:9", partitions=2, patience_s=0.1)
    assert capsys.readouterr().err.splitlines()[-1] == "topics: no broker answered within 0.1 s"
