"""Topics on a real broker: created once, and never silently with another partition count."""

import pytest
from aiokafka.admin import AIOKafkaAdminClient

from deploy.topics import create_topics, create_with_patience
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
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
    await admin.start()
    counts = {found["topic"]: len(found["partitions"]) for found in await admin.describe_topics()}
    await admin.close()
    assert (counts["banking.billing"], counts["banking.calendar"]) == (2, 1)


async def test_a_broker_that_stays_away_is_given_up() -> None:
    with pytest.raises(TimeoutError):
        await create_with_patience("127.0.0.1:9", partitions=2, replication=1, patience_s=0.1)
