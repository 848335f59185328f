"""One event per transaction, as most consumers are written: aiokafka, one statement, one commit, one send."""

import asyncio

import psycopg
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from tests.bench.peers.logic import OUT, SAVE, TOPIC, bootstrap, database, fold, group


async def main() -> None:
    connection = await psycopg.AsyncConnection.connect(database())
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap(), enable_idempotence=True)
    consumer = AIOKafkaConsumer(
        TOPIC, bootstrap_servers=bootstrap(), group_id=group("single"), auto_offset_reset="earliest"
    )
    await producer.start()
    await consumer.start()
    async for record in consumer:
        folded = fold([record.value])
        await connection.execute(SAVE, folded.columns)
        await connection.commit()
        key, value = folded.told[0]
        await producer.send_and_wait(OUT, value, key=key)


if __name__ == "__main__":
    asyncio.run(main())
