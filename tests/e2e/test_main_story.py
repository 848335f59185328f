"""Bill published, day closed, overdue on Kafka, SMS at the gateway, repaid, cured, case closed, reported."""

from dataclasses import dataclass

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


@dataclass(frozen=True)
class Kill:
    """Which service is killed, right after which step of the story has begun, and what shows that it is at it."""

    service: str
    step: str
    sign: str
    currency: str
    size: int = 25


@pytest.mark.parametrize(
    "kill",
    [
        Kill("ingest", "repay", "", "GBP"),
        Kill("strategy", "close_thursday", "ContactRequested", "CHF"),
        Kill("contact", "friday_morning", "SMS", "SEK", size=120),
        Kill("reporting", "repay", "DelinquencyCured", "NOK"),
    ],
    ids=lambda kill: kill.service,
)
async def test_a_service_killed_in_the_middle_changes_nothing(
    system: LocalSystem, doors: Doors, calendar: Calendar, kill: Kill
) -> None:
    week = calendar.next_week()
    crowd = Crowd(f"kill-{kill.service}", kill.size, week[0], kill.currency)

    async def under_way() -> bool:
        if kill.sign == "SMS":
            return bool(await doors.texts(crowd.numbers))
        return not kill.sign or bool(doors.heard(crowd.customers, kill.sign))

    async def kill_once_under_way() -> None:
        await eventually(under_way, f"the first {kill.sign}", doors.patience_s)
        await system.kill(kill.service)

    story = Story(doors, calendar, crowd, week)
    await story.tell({kill.step: kill_once_under_way})
    await assert_ended_well(story)
