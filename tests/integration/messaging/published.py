"""What core banking would publish: keys and values."""

import json
from collections.abc import Mapping
from typing import Any


def repayment(number: int | str, channel: str = "bank", account: str | None = None) -> tuple[str, bytes]:
    """Key and value of one RepaymentReceived."""
    account = account or f"account-{number}"
    data = {
        "account_id": account,
        "repayment_id": f"r{number}",
        "amount": {"amount": "1.00", "currency": "EUR"},
        "effective_on": "2026-01-01",
        "channel": channel,
    }
    return account, event("arrears.repayments.RepaymentReceived.v1", f"r{number}", data)


def event(kind: str, event_id: str, data: Mapping[str, Any], at: str = "2026-01-01T10:00:00Z") -> bytes:
    """A structured CloudEvent."""
    head = {"specversion": "1.0", "id": event_id, "source": "core", "type": kind, "time": at}
    return json.dumps({**head, "data": data}).encode()


def day_closed(day: str, at: str | None = None) -> bytes:
    """The value of one BusinessDayClosed."""
    kind = "arrears.calendar.BusinessDayClosed.v1"
    return event(kind, f"day-{day}", {"business_date": day}, at or f"{day}T21:30:00Z")
