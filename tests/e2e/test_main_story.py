"""Bill published, day closed, overdue on Kafka, SMS at the gateway, repaid, cured, case closed, reported."""

import pytest

from deploy.local.supervisor import LocalSystem
from tests.e2e.crowd import Calendar, Crowd, backwards, twice
from tests.e2e.doors import Doors, eventually
from tests.e2e.story import Story, assert_ended_well


async def test_a_bill_is_overdue_reminded_of_repaid_and_reported(doors: Doors, calendar: Calendar) -> None:
    week = calendar.next_week()
    story = Story(doors, calendar, Crowd("plain", 3, week[0], "EUR"), week)
    await story.tell()
    await assert_ended_well(story)


async def test_every_event_twice_and_in_reverse_order_comes_to_the_same(doors: Doors, calendar: Calendar) -> None:
    week = calendar.next_week()
    crowd = Crowd("upset", 3, week[0], "USD")
    story = Story(doors, calendar, crowd, week, order=lambda told: twice(backwards(told)), closes=2)
    await story.tell()
    await assert_ended_well(story)


@pytest.mark.parametrize(
    ("service", "step", "sign", "currency"),
    [
        ("ingest", "close_thursday", "TreatmentDecided", "GBP"),
        ("strategy", "close_thursday", "ContactRequested", "CHF"),
        ("contact", "friday_morning", "ContactAttempted", "SEK"),
        ("reporting", "repay", "DelinquencyCured", "NOK"),
    ],
)
async def test_a_service_killed_in_the_middle_changes_nothing(
    system: LocalSystem, doors: Doors, calendar: Calendar, service: str, step: str, sign: str, currency: str
) -> None:
    week = calendar.next_week()
    crowd = Crowd(f"kill-{service}", 25, week[0], currency)

    async def kill_once_under_way() -> None:
        async def under_way() -> bool:
            return bool(doors.heard(crowd.customers, sign))

        await eventually(under_way, f"the first {sign}")
        await system.kill(service)

    story = Story(doors, calendar, crowd, week)
    await story.tell({step: kill_once_under_way})
    await assert_ended_well(story)
