"""The word that a service leaves on Kafka when it is set up for more partitions, and that lets them be added.

Committed offsets of a group of its own: where the service's topics ended when it was drained and set up, with the
number of partitions beside each. Whoever adds the partitions reads it and needs no database; once anything was
published since, the word no longer holds.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from aiokafka import AIOKafkaConsumer
from aiokafka.structs import OffsetAndMetadata

from shared.messaging.drained import Ends


def group(service: str) -> str:
    """The group whose offsets are the service's word."""
    return f"arrears.{service}.repartition"


async def leave_word(bootstrap: str, service: str, ends: Ends, partitions: int) -> None:
    """The service is drained up to these ends and set up for that many partitions."""
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, group_id=group(service), enable_auto_commit=False)
    await consumer.start()
    try:
        consumer.assign(list(ends))
        await consumer.commit({place: OffsetAndMetadata(end, str(partitions)) for place, end in ends.items()})
    finally:
        await consumer.stop()


async def unprepared(admin: Any, readers: Mapping[str, Sequence[str]], ends: Ends, partitions: int) -> list[str]:
    """A sentence for each service (name -> topics it reads) that may not find more partitions yet."""
    found = []
    for service, topics in readers.items():
        places = [place for place in ends if place.topic in topics]
        word = await admin.list_consumer_group_offsets(group(service), partitions=places)
        lacking = [p for p in places if p not in word or word[p].metadata != str(partitions)]
        moved = [p for p in places if p not in lacking and word[p].offset != ends[p]]
        if lacking:
            found.append(f"{service} is not set up for {partitions} partitions")
        elif moved:
            found.append(f"{moved[0].topic} {moved[0].partition} was written to since {service} was set up")
    return found
