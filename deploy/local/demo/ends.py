"""Where the topics between the services end, asked of Kafka."""

from types import TracebackType
from typing import Self

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from shared.contracts.topics import TOPICS
from shared.vocabulary.errors import Misconfigured


class TopicEnds:
    """`await ends()` is the offset after the last record of each partition that a service writes."""

    def __init__(self, bootstrap: str) -> None:
        self._bootstrap = bootstrap
        self._consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, enable_auto_commit=False)
        self._partitions: list[TopicPartition] = []

    async def __aenter__(self) -> Self:
        self._partitions = await _inner_partitions(self._bootstrap)
        await self._consumer.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._consumer.stop()

    async def __call__(self) -> dict[tuple[str, int], int]:
        """The ends at this moment."""
        ends = await self._consumer.end_offsets(self._partitions)
        return {(place.topic, place.partition): end for place, end in ends.items()}


async def _inner_partitions(bootstrap: str) -> list[TopicPartition]:
    """Every partition between services. Asked of the broker: a client that starts with it may know but a part."""
    inner = {topic.name for topic in TOPICS if topic.publisher != "core"}
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        described = await admin.describe_topics(sorted(inner))
    finally:
        await admin.close()
    found = [TopicPartition(one["topic"], part["partition"]) for one in described for part in one["partitions"]]
    missing = inner - {place.topic for place in found}
    if missing:
        raise Misconfigured(f"the broker does not know {', '.join(sorted(missing))}")
    return found
