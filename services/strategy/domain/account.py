"""One account as ingest last described it, and how old its arrears are on a later day."""

import re
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Final

_BOUNDED_BUCKET: Final = re.compile(r"[0-9]+-([0-9]+)")


@dataclass(frozen=True, slots=True)
class Account:
    """The latest status of one account; `version` counts per account, and an older one never replaces a newer one."""

    account_id: str
    customer_id: str
    version: int
    as_of: date
    product: str
    delinquent: bool
    days_past_due: int
    bucket: str
    arrears_minor: int
    currency: str
    state: str = "open"
    through: str | None = None
    """How its last delinquency ended, as ingest put it."""

    def days_past_due_on(self, on: date) -> int:
        """DPD on a later day without a new status.

        Ingest publishes a roll on the day it happens, so the count never passes the range of the bucket last named:
        an account whose ageing is paused stays in it.
        """
        if not self.delinquent or on <= self.as_of:
            return self.days_past_due
        aged = self.days_past_due + (on - self.as_of).days
        last = _last_day(self.bucket)
        return max(self.days_past_due, min(aged, last)) if last is not None else aged


@lru_cache
def _last_day(bucket: str) -> int | None:
    """The last day of a bucket's range; None where it has none."""
    bounded = _BOUNDED_BUCKET.fullmatch(bucket)
    return int(bounded[1]) if bounded else None
