"""How rows become the domain's values: read as JSON arrays whose places are the value's fields, in their order."""

from collections.abc import Callable, Sequence
from dataclasses import fields
from datetime import date, datetime
from typing import Any, Final, Generic, TypeVar

from services.strategy.domain.account import Account
from services.strategy.domain.case import Case
from services.strategy.domain.customer import Customer
from services.strategy.domain.day import Day
from services.strategy.domain.hold import Hold
from services.strategy.domain.promise import Promise
from services.strategy.domain.repayment import Repayment
from services.strategy.domain.treatment import Treatment

V = TypeVar("V")
Read = Callable[[Any], Any]

_DATE: Final = date.fromisoformat


class Rows(Generic[V]):
    """The columns of one kind of value, and the way back; `read` says what JSON does not bring as it was."""

    def __init__(self, kind: type[V], *, leave: Sequence[str] = (), **read: Read) -> None:
        self.columns: Final = [one.name for one in fields(kind) if one.name not in leave]  # type: ignore[arg-type]
        self._kind = kind
        self._read = [(self.columns.index(name), how) for name, how in read.items()]

    def __call__(self, row: list[Any]) -> V:
        """The value of a row, which is used up."""
        for place, how in self._read:
            if row[place] is not None:
                row[place] = how(row[place])
        return self._kind(*row)

    def json(self, table: str) -> str:
        """SQL for a row of the table as a JSON array."""
        return f"json_build_array({', '.join(f'{table}.{name}' for name in self.columns)})"


ACCOUNT: Final = Rows(Account, as_of=_DATE)
CASE: Final = Rows(Case, opened_on=_DATE, closed_on=_DATE)
TREATMENT: Final = Rows(
    Treatment, leave=("rule", "inputs"), decided_on=_DATE, expires_at=datetime.fromisoformat, attempted_on=_DATE
)
PROMISE: Final = Rows(
    Promise, promised_on=_DATE, due_on=_DATE, judge_on=_DATE, judged_on=_DATE, accounts=tuple
)  # fmt: skip
HOLD: Final = Rows(Hold, placed_on=_DATE, until_on=_DATE, released_on=_DATE)
REPAYMENT: Final = Rows(Repayment, effective_on=_DATE)
CUSTOMER_OF_TREATMENT: Final = TREATMENT.columns.index("customer_id")
DAY: Final = Rows(Day, business_date=_DATE, aged_by=frozenset)


def customer(
    customer_id: str, next_decision_on: str | None, case_file: list[Any] | None, *parts: list[list[Any]] | None
) -> Customer:
    """One customer from the row of the last case and those of the other parts."""
    accounts, treatments, promises, holds, repayments = parts
    found = Customer(customer_id, next_decision_on=_DATE(next_decision_on) if next_decision_on else None)
    if case_file:
        found.keep(CASE(case_file))
    if accounts:
        found.accounts = {row[0]: ACCOUNT(row) for row in accounts}
    if treatments:
        found.treatments = {one.contact_id: one for one in map(TREATMENT, treatments)}
    if promises:
        found.promises = {row[0]: PROMISE(row) for row in promises}
    if holds:
        found.holds = {row[0]: HOLD(row) for row in holds}
    if repayments:
        found.repayments = {(one.account_id, one.repayment_id): one for one in map(REPAYMENT, repayments)}
    return found
