"""One case: all collection work on a customer over one spell of delinquency."""

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class Case:
    """Open until `closed_on`; `number` counts the customer's cases from 1."""

    case_id: str
    customer_id: str
    number: int
    opened_on: date
    strategy: str
    strategy_version: int
    closed_on: date | None = None
    reason: str | None = None

    @property
    def open(self) -> bool:
        """Work goes on."""
        return self.closed_on is None
