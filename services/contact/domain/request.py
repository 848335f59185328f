"""One request to reach a customer, as strategy made it."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class OwedAccount:
    """An account the request is about; `version` is the status version its maker had seen, where it said so."""

    account_id: str
    version: int | None = None


@dataclass(frozen=True, slots=True)
class Request:
    """Reach this customer over this channel before `expires_at`."""

    contact_id: str
    customer_id: str
    case_id: str
    channel: str
    template: str
    purpose: str
    accounts: tuple[OwedAccount, ...]
    requested_at: datetime
    expires_at: datetime
    days_past_due: int = 0
    priority: int = 0
    treatment_id: str = ""
