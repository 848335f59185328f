"""Fact on Kafka -> message handed to the SMS gateway: how long, at half of what the whole system can do.

The path that is meant to be immediate: a bill that comes in overdue raises a status at once; the strategy `prompt`
decides on every change, so the status opens a case and asks for an SMS; contact's gate allows it, and the dispatcher
hands it over. Under the shipped strategy the message would wait for the day's end by design (decision 4). Every fact of
this bench becomes a message, which is the hardest load there is; reporting and core banking's receipts run along.

Times are from giving the fact to the producer until the gateway has received the message, on one machine's clock.
"""

from typing import Final

import orjson
from aiokafka import AIOKafkaConsumer, TopicPartition

from tests.bench.ground import STATUS
from tests.bench.percentiles import spread_ms
from tests.bench.under_load import whole_under_load
from tests.bench.whole import PARTITIONS, Whole, customer_of, mobile_of, overdue_bill

BURST_MESSAGES: Final = 1_000
WARM_UP_MESSAGES: Final = 200
Figures = dict[str, dict[str, float]]


async def _burst_per_s(place: Whole, messages: int) -> float:
    """Messages a second, between the first and the last, when as many facts come at once."""
    people, before = await place.open(messages), await place.gateway.count()
    await place.publish(overdue_bill(n) for n in people)
    await place.gateway.until(before + messages)
    arrived = (await place.gateway.arrivals(before)).values()
    return messages / (max(arrived) - min(arrived))


async def measure(seconds: float, share: float) -> Figures:
    """The most it can do, then the times at a share of that."""
    async with whole_under_load() as (place, steady):
        await _burst_per_s(place, WARM_UP_MESSAGES)
        most = await _burst_per_s(place, BURST_MESSAGES)
        people = await place.open(int(most * share * seconds) + 1)
        before = await place.gateway.count()
        await steady.publish((overdue_bill(n) for n in people), most * share, seconds)
        await place.gateway.until(before + len(steady.sent_at))
        arrived = await place.gateway.arrivals(before)
        entered = await _written_at(place, STATUS, "DelinquencyEntered")
        asked = await _written_at(place, "collections.treatments", "ContactRequested")
    stages = [
        (sent, entered[customer_of(n)], asked[customer_of(n)], arrived[mobile_of(n)])
        for n, sent in zip(people, steady.sent_at, strict=False)
    ]
    return {
        "fact -> message, most": {"messages_per_s": most},
        "fact -> message": {"messages_per_s": steady.per_s} | spread_ms([one[3] - one[0] for one in stages]),
        "of which until ingest's status": spread_ms([one[1] - one[0] for one in stages]),
        "of which until strategy's request": spread_ms([one[2] - one[1] for one in stages]),
        "of which until the gateway": spread_ms([one[3] - one[2] for one in stages]),
    }


async def _written_at(place: Whole, topic: str, name: str) -> dict[str, float]:
    """Customer -> epoch seconds at which that event about them was given to Kafka; read after the measurement."""
    found: dict[str, float] = {}
    consumer = AIOKafkaConsumer(bootstrap_servers=place.system.addresses.kafka, auto_offset_reset="earliest")
    async with consumer:
        places = [TopicPartition(topic, n) for n in range(PARTITIONS)]
        consumer.assign(places)
        for partition, end in (await consumer.end_offsets(places)).items():
            while await consumer.position(partition) < end:
                for record in (await consumer.getmany(partition, timeout_ms=500)).get(partition, []):
                    event = orjson.loads(record.value)
                    if event["type"].split(".")[-2] == name:
                        found[event["data"]["customer_id"]] = record.timestamp / 1000
    return found
