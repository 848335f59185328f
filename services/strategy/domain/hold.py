"""Holds: reasons to stop treating a customer for a while or until somebody lifts them."""

from dataclasses import dataclass
from datetime import date
from typing import Final

KINDS: Final = (
    "dispute", "complaint", "hardship", "bankruptcy", "deceased", "legal", "cease_contact",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Hold:
    """One hold. `until_on` is its last day; without one it stands until it is released."""

    hold_id: str
    customer_id: str
    case_id: str
    kind: str
    placed_on: date
    until_on: date | None = None
    released_on: date | None = None

    @property
    def active(self) -> bool:
        """Stops treatments now."""
        return self.released_on is None
