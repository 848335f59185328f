"""Which topics are wanted, and what differs from them."""

from deploy.topics import Wanted, differences, wanted
from shared.contracts.topics import TOPICS


def test_every_topic_has_dead_letters_and_a_broadcast_topic_one_partition() -> None:
    plan = {topic.name: topic.partitions for topic in wanted(TOPICS, partitions=4)}
    assert plan["banking.billing"] == plan["banking.billing.dead-letter"] == 4
    assert plan["banking.calendar"] == 1
    assert len(plan) == 2 * len(TOPICS)


def test_a_different_count_is_said_and_a_missing_topic_is_no_difference() -> None:
    plan = [Wanted("a", 2), Wanted("b", 2), Wanted("c", 1)]
    assert differences(plan, {"a": 4, "c": 1, "another": 9}) == ["topic a has 4 partitions, 2 are asked for"]
