"""Where the topics between the services end, asked of Kafka."""

from types import TracebackType
from typing import Self

from aiokafka import AIOKafkaConsumer, TopicPartition

from shared.contracts.topics import TOPICS
from shared.messaging.topology import places_of


class TopicEnds:
    """`await ends()` is the offset after the last record of each partition that a service writes."""

    def __init__(self, bootstrap: str) -> None:
        self._bootstrap = bootstrap
        self._consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, enable_auto_commit=False)
        self._partitions: list[TopicPartition] = []

    async def __aenter__(self) -> Self:
        inner = (topic.name for topic in TOPICS if topic.publisher != "core")
        self._partitions = await places_of(self._bootstrap, inner)
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
