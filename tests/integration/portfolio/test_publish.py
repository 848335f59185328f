"""Publishing to a real broker: everything arrives once, in order, on Kafka's default partition."""

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from deploy.local.portfolio.publish import BATCH_BYTES_MAX, Publisher
from deploy.local.portfolio.writer import Record
from tests.conftest import TopicFactory


async def arrived(kafka: str, topic: str) -> dict[int, list[tuple[bytes, bytes]]]:
    async with AIOKafkaConsumer(bootstrap_servers=kafka, auto_offset_reset="earliest") as consumer:
        places = [TopicPartition(topic, number) for number in range(2)]
        consumer.assign(places)
        ends = await consumer.end_offsets(places)
        found: dict[int, list[tuple[bytes, bytes]]] = {0: [], 1: []}
        while sum(map(len, found.values())) < sum(ends.values()):
            for place, records in (await consumer.getmany(timeout_ms=500)).items():
                found[place.partition] += [(record.key, record.value) for record in records]
        return found


async def test_every_record_arrives_once_and_in_order(kafka: str, topic: TopicFactory) -> None:
    name = await topic("portfolio")
    records = [Record(name, b"A%07d" % (n % 40), b"%d" % n * 40) for n in range(30_000)]
    assert sum(len(record.value) for record in records) > BATCH_BYTES_MAX
    async with Publisher(kafka) as publisher:
        await publisher.publish(records)
        assert publisher.published == {name: 30_000}
        found = await arrived(kafka, name)
        assert publisher.ends == {(name, number): len(of) for number, of in found.items()}
    for number, of in found.items():
        keys = {key for key, _ in of}
        assert of == [(r.key, r.value) for r in records if r.key in keys], f"partition {number}"


async def test_the_partition_is_the_one_other_clients_choose(kafka: str, topic: TopicFactory) -> None:
    name = await topic("portfolio")
    keys = [b"A%07d" % n for n in range(50)]
    async with AIOKafkaProducer(bootstrap_servers=kafka) as producer:
        chosen = {key: (await producer.send_and_wait(name, b"theirs", key=key)).partition for key in keys}
    async with Publisher(kafka) as publisher:
        await publisher.publish([Record(name, key, b"ours") for key in keys])
    for number, of in (await arrived(kafka, name)).items():
        assert all(chosen[key] == number for key, value in of if value == b"ours")
