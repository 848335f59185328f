"""The calendar events around a simulated business day: the morning on which people are contacted, and the close."""

from datetime import UTC, date, datetime, time
from typing import Final

from deploy.local.portfolio.writer import SOURCE, Record

TOPIC: Final = "banking.calendar"
MORNING: Final = time(9, 30, tzinfo=UTC)
CLOSE: Final = time(21, 30, tzinfo=UTC)


def clock_advanced(day: date) -> Record:
    """The simulated clock reads the morning of that day; only for local systems."""
    at = datetime.combine(day, MORNING).isoformat()
    return _record("ClockAdvanced", f"morning-{day}", at, f'"now":"{at}"')


def business_day_closed(day: date) -> Record:
    """Everything of that day is booked."""
    at = datetime.combine(day, CLOSE).isoformat()
    return _record("BusinessDayClosed", f"close-{day}", at, f'"business_date":"{day}"')


def _record(name: str, event_id: str, at: str, data: str) -> Record:
    value = (
        f'{{"specversion":"1.0","id":"{event_id}","source":"{SOURCE}","type":"arrears.calendar.{name}.v1",'
        f'"time":"{at}","datacontenttype":"application/json","data":{{{data}}}}}'
    )
    return Record(TOPIC, None, value.encode())
