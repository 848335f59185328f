"""Drives a local system's simulated clock from the calendar topic."""

import asyncio
from typing import Any, Final

from aiokafka import TopicPartition
from aiokafka.errors import KafkaError

from shared.contracts.envelope import decode
from shared.messaging import kafka, retry
from shared.runtime.clock import Clock
from shared.vocabulary.errors import Rejected

CALENDAR: Final = "banking.calendar"


async def follow(clock: Clock, bootstrap: str, stop: asyncio.Event) -> None:
    """Set the clock to the `time` of each calendar event; starts with the last one, so a restart keeps the time."""
    reader = await kafka.start_patiently(lambda: kafka.reader(bootstrap, [CALENDAR]), stop, "clock")
    if reader is None:
        return
    waits = retry.backoff_s()
    begun = False
    try:
        while not stop.is_set():
            try:
                begun = begun or await _at_the_last(reader)
                await _observe_next(clock, reader)
                waits = retry.backoff_s()
            except KafkaError:
                begun = False  # the topic may have been made anew
                await retry.sleep_unless(stop, next(waits))
    finally:
        await reader.stop()


async def _at_the_last(reader: Any) -> bool:
    place = TopicPartition(CALENDAR, 0)
    first, end = (await reader.beginning_offsets([place]))[place], (await reader.end_offsets([place]))[place]
    reader.seek(place, max(first, end - 1))
    return True


async def _observe_next(clock: Clock, reader: Any) -> None:
    for records in (await reader.getmany(timeout_ms=500)).values():
        for record in records:
            try:
                clock.observe(decode(CALENDAR, record.value, record.headers).time)
            except Rejected:
                # Its reader, ingest, dead-letters it; it says nothing about the time.
                continue
