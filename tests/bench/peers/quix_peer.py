"""Quix Streams: a batching sink, flushed before offsets are committed."""

from typing import Any

from quixstreams import Application
from quixstreams.sinks import BatchingSink

from tests.bench.peers.logic import BATCH_RECORDS_MAX, BATCH_S_MAX, TOPIC, Synchronous, bootstrap, group


class Balances(BatchingSink):
    def __init__(self) -> None:
        super().__init__()
        self._parts = Synchronous()

    def write(self, batch: Any) -> None:
        self._parts.apply(item.value for item in batch)


if __name__ == "__main__":
    app = Application(
        broker_address=bootstrap(), consumer_group=group("quix"), auto_offset_reset="earliest",
        commit_every=BATCH_RECORDS_MAX, commit_interval=BATCH_S_MAX, auto_create_topics=False, loglevel="WARNING",
    )  # fmt: skip
    app.dataframe(app.topic(TOPIC, value_deserializer="bytes")).sink(Balances())
    app.run()
