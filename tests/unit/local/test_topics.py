"""Which topics are wanted, and what differs from them."""

from typing import Any

import pytest

from deploy import topics
from deploy.topics import Wanted, differences, wanted
from shared.contracts.topics import TOPICS
from shared.vocabulary.errors import Unavailable


def test_every_topic_has_dead_letters_and_a_broadcast_topic_one_partition() -> None:
    plan = {topic.name: topic.partitions for topic in wanted(TOPICS, partitions=4)}
    assert plan["banking.billing"] == plan["banking.billing.dead-letter"] == 4
    assert plan["banking.calendar"] == 1
    assert len(plan) == 2 * len(TOPICS)


def test_a_different_count_is_said_and_a_missing_topic_is_no_difference() -> None:
    plan = [Wanted("a", 2), Wanted("b", 2), Wanted("c", 1)]
    assert differences(plan, {"a": 4, "c": 1, "another": 9}) == ["topic a has 4 partitions, 2 are asked for"]


class Unled:
    """The admin client of brokers that do not know yet which of them leads: it makes no topics then, but breaks."""

    def __init__(self, bootstrap_servers: str) -> None:
        self.bootstrap = bootstrap_servers

    async def start(self) -> None: ...

    async def close(self) -> None: ...

    async def describe_cluster(self) -> dict[str, Any]:
        return {"brokers": [], "cluster_id": "c", "controller_id": -1}


async def test_brokers_without_a_leader_are_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(topics, "AIOKafkaAdminClient", Unled)
    assert not await topics.is_led("kafka:9092")
    for asked in (topics.create_topics, topics.increase_partitions):
        with pytest.raises(Unavailable, match="Kafka at kafka:9092 has no controller yet"):
            await asked("kafka:9092", 2)
