"""Drives a local system's simulated clock from the calendar topic."""

import asyncio

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from shared.contracts.envelope import decode
from shared.messaging import retry
from shared.messaging.member import start_patiently
from shared.runtime.clock import Clock
from shared.vocabulary.errors import Rejected

CALENDAR = "banking.calendar"


async def follow(clock: Clock, bootstrap: str, stop: asyncio.Event) -> None:
    """Set the clock to the `time` of each calendar event; starts with the last one, so a restart keeps the time."""
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, enable_auto_commit=False, auto_offset_reset="earliest")
    await start_patiently(consumer, stop, "clock")
    place = TopicPartition(CALENDAR, 0)
    try:
        if not stop.is_set():
            consumer.assign([place])
            end = (await consumer.end_offsets([place]))[place]
            consumer.seek(place, max(0, end - 1))
        while not stop.is_set():
            await _observe_next(clock, consumer, stop)
    finally:
        await consumer.stop()


async def _observe_next(clock: Clock, consumer: AIOKafkaConsumer, stop: asyncio.Event) -> None:
    try:
        found = await consumer.getmany(timeout_ms=500)
    except KafkaError:
        await retry.sleep_unless(stop, 1)
        return
    for records in found.values():
        for record in records:
            try:
                clock.observe(decode(CALENDAR, record.value, record.headers).time)
            except Rejected:
                # Its reader, ingest, dead-letters it; it says nothing about the time.
                continue
