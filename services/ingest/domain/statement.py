"""The ledger of one account as a statement: what came to be owed and what was received, in order, with the balance.

Apart from the ledger's view, which says what met what.
"""

from dataclasses import dataclass
from datetime import date
from typing import Literal

from services.ingest.domain.view import LedgerView


@dataclass(frozen=True, slots=True)
class Entry:
    """One line; `balance_minor` is what is owed after it."""

    on: date
    kind: Literal["owed", "received"]
    id: str
    amount_minor: int
    balance_minor: int


def statement(view: LedgerView) -> list[Entry]:
    """The lines up to the day of the view, what came to be owed first within a day.

    Money that was charged back counts as received and as owed again; money that was reversed does not count.
    """
    owed = [(o.issued_on, "owed", o.id, o.amount_minor) for o in view.obligations]
    counting = [r for r in view.repayments if r.state in ("counted", "charged_back")]
    received = [(r.effective_on, "received", r.id, r.amount_minor) for r in counting]
    balance, entries = 0, []
    for on, kind, id_, amount in sorted([*owed, *received]):
        if on <= view.as_of:
            balance += amount if kind == "owed" else -amount
            entries.append(Entry(on, "owed" if kind == "owed" else "received", id_, amount, balance))
    return entries
