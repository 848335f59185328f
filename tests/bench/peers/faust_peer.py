"""faust-streaming: an agent that takes many events at a time; offsets are committed in the background."""

import asyncio
from typing import Any

import faust

from tests.bench.peers.logic import BATCH_RECORDS_MAX, BATCH_S_MAX, TOPIC, Synchronous, bootstrap, group

app = faust.App(
    group("faust"), broker=f"kafka://{bootstrap()}", store="memory://", web_enabled=False, topic_disable_leader=True,
    consumer_auto_offset_reset="earliest", value_serializer="raw", stream_buffer_maxsize=2 * BATCH_RECORDS_MAX,
)  # fmt: skip
facts = app.topic(TOPIC, value_type=bytes, value_serializer="raw")


@app.agent(facts)
async def apply(stream: Any) -> None:
    parts = Synchronous()
    async for values in stream.take(BATCH_RECORDS_MAX, within=BATCH_S_MAX):
        await asyncio.to_thread(parts.apply, values)


if __name__ == "__main__":
    app.main()
