"""The local Kafka: killed and started again."""

from pathlib import Path

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from deploy.local.kafka import KafkaServer


async def test_records_survive_a_kill_on_the_same_port(tmp_path: Path) -> None:
    server = KafkaServer(tmp_path / "kafka", tmp_path / "kafka.log")
    child = await server.start()
    bootstrap = server.bootstrap
    try:
        await _create_and_send(bootstrap)
        child.kill()
        await child.wait()
        child = await server.start()
        assert server.bootstrap == bootstrap
        assert await _first_value(bootstrap) == b"kept"
    finally:
        await child.stop()


async def _create_and_send(bootstrap: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    await admin.create_topics([NewTopic("kept", 1, 1)])
    await admin.close()
    async with AIOKafkaProducer(bootstrap_servers=bootstrap) as producer:
        await producer.send_and_wait("kept", b"kept")


async def _first_value(bootstrap: str) -> bytes | None:
    async with AIOKafkaConsumer(bootstrap_servers=bootstrap) as consumer:
        partition = TopicPartition("kept", 0)
        consumer.assign([partition])
        await consumer.seek_to_beginning(partition)
        value: bytes | None = (await consumer.getone()).value
        return value
