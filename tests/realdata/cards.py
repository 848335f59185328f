"""Taiwanese credit cards as core banking would report them (../shared/data/README.md says what each column means).

The months and amounts are the issuer's; the days are chosen here. A statement at the month's end asks for its whole
balance by the 25th of the next month; what is repaid in a month comes on its 20th, so it meets the statement before.
The next statement holds the rest of the old one: the old bill is then lowered to what of it was repaid.
"""

import csv
from calendar import monthrange
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final

from services.ingest.domain import facts as f

FILE: Final = "uci_credit_card_10000.csv"
YEAR: Final = 2005
MONTHS: Final = range(4, 10)
"""April, whose columns end in 6, to September, whose columns end in 1."""
REPAID_ON, DUE_ON, ASKED_ON = 20, 25, 28


@dataclass(frozen=True, slots=True)
class Card:
    """One row: statements, repayments and the issuer's own status, by month."""

    id: str
    bills: dict[int, int]
    repaid: dict[int, int]
    status: dict[int, int]

    def told_in(self, month: int) -> list[f.Fact]:
        """The facts of a month, in order."""
        facts: list[f.Fact] = []
        if month == MONTHS[0]:
            facts.append(f.Opened(self.id, "card", "TWD", "card-minimum-payment", (), date(YEAR, 4, 1)))
        facts.append(f.Repaid(f"repayment-{month}", self.repaid[month], date(YEAR, month, REPAID_ON)))
        end = statement_on(month)
        facts.append(f.Balance(f"balance-{month}", max(0, self.bills[month]), end))
        if self._settles_late(month):
            facts.append(f.Adjusted(bill_of(month - 1), f"rest-{month}", self.repaid[month], end))
        if self.bills[month] > 0:
            due_on = date(YEAR, month + 1, DUE_ON)
            facts.append(f.Billed(bill_of(month), "statement", self.bills[month], end, due_on))
        return facts

    def _settles_late(self, month: int) -> bool:
        return self.bills.get(month - 1, 0) > self.repaid[month]


def statement_on(month: int) -> date:
    """The month's last day."""
    return date(YEAR, month, monthrange(YEAR, month)[1])


def asked_on(month: int) -> date:
    """The day on which it is known what became of a month's statement: after its due date, before the next one."""
    return date(YEAR, month + 1, ASKED_ON)


def bill_of(month: int) -> str:
    """The statement's name."""
    return f"statement-{month}"


def read_cards(path: Path) -> list[Card]:
    """Every card. New Taiwan dollars are written without decimals; facts count in cents."""
    with path.open(encoding="utf-8", newline="") as file:
        return [_card(row) for row in csv.DictReader(file)]


def _card(row: dict[str, str]) -> Card:
    column = {month: 10 - month for month in MONTHS}
    status = {month: "PAY_0" if n == 1 else f"PAY_{n}" for month, n in column.items()}
    return Card(
        row["ID"],
        {month: 100 * int(row[f"BILL_AMT{n}"]) for month, n in column.items()},
        {month: 100 * int(row[f"PAY_AMT{n}"]) for month, n in column.items()},
        {month: int(row[name]) for month, name in status.items()},
    )
