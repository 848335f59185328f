"""FastStream: a batch subscriber that acknowledges after the handler."""

import asyncio
from typing import Any

import psycopg
from faststream import AckPolicy, FastStream
from faststream.kafka import KafkaBroker
from faststream.kafka.annotations import KafkaMessage

from tests.bench.peers.logic import BATCH_RECORDS_MAX, OUT, SAVE, TOPIC, bootstrap, database, fold, group

broker = KafkaBroker(bootstrap(), enable_idempotence=True, logger=None)
app = FastStream(broker)
connections: list[Any] = []


async def raw(message: Any) -> Any:
    """Bytes as they are: the logic reads them."""
    return message.body


@broker.subscriber(
    TOPIC, batch=True, max_records=BATCH_RECORDS_MAX, group_id=group("faststream"), auto_offset_reset="earliest",
    ack_policy=AckPolicy.NACK_ON_ERROR, decoder=raw, batch_timeout_ms=50,
)  # fmt: skip
async def apply(message: KafkaMessage) -> None:
    folded = fold(record.value for record in message.raw_message)
    connection = connections[0]
    await connection.execute(SAVE, folded.columns)
    await connection.commit()
    await broker.publish_batch(*(value for _, value in folded.told), topic=OUT)


async def main() -> None:
    connections.append(await psycopg.AsyncConnection.connect(database()))
    await app.run()


if __name__ == "__main__":
    asyncio.run(main())
