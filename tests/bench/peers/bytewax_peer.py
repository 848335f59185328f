"""bytewax: a dataflow from Kafka into a sink of one's own; no recovery store, so a restart begins anew."""

from typing import Any

from bytewax import operators as op
from bytewax.connectors.kafka import KafkaSource
from bytewax.dataflow import Dataflow
from bytewax.outputs import DynamicSink, StatelessSinkPartition
from bytewax.testing import run_main

from tests.bench.peers.logic import BATCH_RECORDS_MAX, TOPIC, Synchronous, bootstrap


class Part(StatelessSinkPartition):
    def __init__(self) -> None:
        self._parts = Synchronous()

    def write_batch(self, items: list[Any]) -> None:
        self._parts.apply(item.value for item in items)


class Balances(DynamicSink):
    def build(self, step_id: str, worker_index: int, worker_count: int) -> Part:
        return Part()


if __name__ == "__main__":
    flow = Dataflow("peers")
    facts = op.input("in", flow, KafkaSource([bootstrap()], [TOPIC], batch_size=BATCH_RECORDS_MAX))
    op.output("out", facts, Balances())
    run_main(flow)
