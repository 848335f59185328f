"""sentry-arroyo: a batching strategy whose offsets are committed after it."""

from collections.abc import Mapping
from typing import Any

from arroyo.backends.kafka import KafkaConsumer
from arroyo.backends.kafka.configuration import build_kafka_consumer_configuration
from arroyo.processing.processor import StreamProcessor
from arroyo.processing.strategies import BatchStep, CommitOffsets, ProcessingStrategyFactory, RunTask
from arroyo.types import Topic

from tests.bench.peers.logic import BATCH_RECORDS_MAX, BATCH_S_MAX, TOPIC, Synchronous, bootstrap, group


class Batches(ProcessingStrategyFactory):
    def __init__(self) -> None:
        self._parts = Synchronous()

    def create_with_partitions(self, commit: Any, partitions: Mapping[Any, int]) -> Any:
        return BatchStep(BATCH_RECORDS_MAX, BATCH_S_MAX, RunTask(self._apply, CommitOffsets(commit)))

    def _apply(self, message: Any) -> Any:
        self._parts.apply(one.payload.value for one in message.payload)
        return message.payload


if __name__ == "__main__":
    settings = build_kafka_consumer_configuration(
        {}, bootstrap_servers=[bootstrap()], group_id=group("arroyo"), auto_offset_reset="earliest"
    )
    StreamProcessor(KafkaConsumer(settings), Topic(TOPIC), Batches()).run()
