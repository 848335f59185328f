"""Italian traffic fines as core banking would report them (../shared/data/README.md says what each row means).

A fine has no due date before it is notified: until then its bill lies far in the future, and the notification
replaces it by one that is due 60 days later. Dates are taken as written: they are local midnights.
"""

import csv
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Final

from services.ingest.domain import facts as f
from shared.vocabulary.money import minor_units

FILE: Final = "traffic_fines_sample.csv"
NOT_DUE: Final = date(2999, 12, 31)
DAYS_TO_PAY: Final = timedelta(days=60)


@dataclass(slots=True)
class Fine:
    """One case: its facts in the order of the file, each with its date, and when it was placed with collectors."""

    case_id: str
    told: list[tuple[f.Fact, date]] = field(default_factory=list)
    placed_on: date | None = None
    bills: dict[str, f.Billed] = field(default_factory=dict)
    due_on: date = NOT_DUE

    def known(self, on: date) -> list[f.Fact]:
        """The facts told by the end of that day."""
        return [fact for fact, told_on in self.told if told_on <= on]

    def tell(self, fact: f.Fact, on: date) -> None:
        self.told.append((fact, on))

    def bill(self, name: str, kind: str, amount_minor: int, on: date) -> None:
        self.bills[name] = f.Billed(name, kind, amount_minor, on, self.due_on)
        self.tell(self.bills[name], on)

    def notify(self, on: date) -> None:
        """Every bill so far gets its due date: the one without is withdrawn."""
        self.due_on = on + DAYS_TO_PAY
        for name, bill in list(self.bills.items()):
            self.tell(f.Cancelled(name, on), on)
            del self.bills[name]
            self.bill(f"{name}-due", bill.bill_kind, bill.amount_minor, on)


def read_fines(path: Path) -> dict[str, Fine]:
    """Every case by its id."""
    fines: dict[str, Fine] = {}
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            _take(fines.setdefault(row["case_id"], Fine(row["case_id"])), row)
    return fines


def _take(fine: Fine, row: dict[str, str]) -> None:
    on, name = date.fromisoformat(row["date"][:10]), row["seq"]
    match row["activity"]:
        case "Create Fine":
            fine.tell(f.Opened(fine.case_id, "fine", "EUR", "fines", (), on), on)
            fine.bill("fine", "fine", _minor(row["amount"]), on)
        case "Send Fine":
            fine.bill(f"fee-{name}", "fee", _minor(row["expense"]), on)
        case "Insert Fine Notification":
            fine.notify(on)
        case "Add penalty":
            bill = next(bill for bill in fine.bills if bill.startswith("fine"))
            fine.tell(f.Adjusted(bill, f"penalty-{name}", _minor(row["amount"]), on), on)
        case "Payment":
            fine.tell(f.Repaid(f"payment-{name}", _minor(row["paymentAmount"]), on), on)
        case "Send for Credit Collection":
            fine.placed_on = on
        case _:
            pass  # appeals change no money


def _minor(amount: str) -> int:
    """The file writes cents with binary noise nowhere, but 36.0 for 36.00."""
    return minor_units(amount, "EUR")


def facts_in_order(fines: dict[str, Fine]) -> Iterator[tuple[date, str, f.Fact]]:
    """All facts of all cases by date, each case in its own order."""
    everything = [(on, case_id, fact) for case_id, fine in fines.items() for fact, on in fine.told]
    yield from sorted(everything, key=lambda told: (told[0], told[1]))
