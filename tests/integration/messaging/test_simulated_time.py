"""The simulated clock follows the calendar and the system's own events, never a time core banking wrote on a fact."""

import asyncio
from collections.abc import Iterable
from datetime import UTC, datetime

from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from shared.runtime.calendar_clock import CALENDAR, follow
from shared.runtime.clock import SimulatedClock
from tests.integration.messaging.published import event
from tests.integration.messaging.rig import Rig
from tests.integration.messaging.tally import TOPICS
from tests.waiting import until


async def test_the_clock_follows_the_calendar_and_not_the_facts(rig: Rig) -> None:
    running = rig.start(clock="simulated")
    clock = running.process.context.clock
    late = datetime(2030, 6, 3, 21, 30, tzinfo=UTC)
    await rig.producer.send_and_wait("banking.calendar", _closed(late), partition=0)
    await until(lambda: clock.now() == late, "the clock to read the close's time")
    data = {
        "account_id": "a", "repayment_id": "r", "effective_on": "2026-01-01",
        "amount": {"amount": "1.00", "currency": "EUR"},
    }  # fmt: skip
    fact = event("arrears.repayments.RepaymentReceived.v1", "r", data, "2031-01-01T00:00:00Z")
    await rig.publish([("a", fact)], TOPICS[1])
    await rig.assert_exact(1)
    assert clock.now() == late
    await running.stop()
    again = rig.start(clock="simulated")
    await until(lambda: again.process.context.clock.now() == late, "a restart to keep the time")
    await again.stop()


async def test_the_clock_finds_its_place_in_a_calendar_that_was_made_anew(own_kafka: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=own_kafka)
    await admin.start()
    clock, stop = SimulatedClock(), asyncio.Event()
    await admin.create_topics([NewTopic(CALENDAR, 1, 1)])
    await _close(own_kafka, range(1, 4))
    following = asyncio.create_task(follow(clock, own_kafka, stop))
    await until(lambda: clock.now() == _evening(3), "the clock to read the last close's time")
    await admin.delete_topics([CALENDAR])
    await until(lambda: _created(admin), "the topic to be gone and made anew")
    await _close(own_kafka, [7])
    await until(lambda: clock.now() == _evening(7), "the clock to read on")
    stop.set()
    await following
    await admin.close()


async def _created(admin: AIOKafkaAdminClient) -> bool:
    answer = await admin.create_topics([NewTopic(CALENDAR, 1, 1)])
    return all(error == 0 for _, error, *_ in answer.topic_errors)


async def _close(kafka: str, days: Iterable[int]) -> None:
    async with AIOKafkaProducer(bootstrap_servers=kafka) as producer:
        for day in days:
            await producer.send_and_wait(CALENDAR, _closed(_evening(day)), partition=0)


def _evening(day: int) -> datetime:
    return datetime(2030, 6, day, 21, 30, tzinfo=UTC)


def _closed(at: datetime) -> bytes:
    kind = "arrears.calendar.BusinessDayClosed.v1"
    return event(kind, "close", {"business_date": at.date().isoformat()}, at.isoformat())
