"""How each kind of fact changes the compact ledger when it changes nothing before the eve of the as-of day.

One short rule a kind. What a rule cannot be sure of it leaves to history, by raising HistoryNeeded: post-dated facts,
facts that reach behind the eve of an account in arrears, and all that undoes money.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from services.ingest.domain.facts import (
    Adjusted,
    Balance,
    Billed,
    Cancelled,
    ChargedBack,
    Closed,
    Fact,
    Paused,
    Reaged,
    ReageUndone,
    Repaid,
    Resumed,
    Reversed,
    WrittenOff,
)
from services.ingest.domain.ledger import Due, HistoryNeeded, Ledger
from services.ingest.domain.policy import Policy


@dataclass(slots=True)
class Posting:
    """The ledger on a day, and whether the day before has anything that a fact of the past could make wrong."""

    ledger: Ledger
    policy: Policy
    day: int
    clean_eve: bool
    """Not delinquent on the day before, nor ever since arrears were last zero: less owed then changes nothing."""
    weighs_exposure: bool = False
    """Whether a balance can change what was delinquent on days gone by."""

    def post(self, fact: Fact) -> None:
        """Change the ledger; HistoryNeeded where that takes more than the ledger."""
        if self.ledger.pending_on is not None:
            raise HistoryNeeded
        _RULES[type(fact)](self, fact)

    def counts_now(self, effective: int) -> None:
        """HistoryNeeded for what counts only later, or counted on an eve that it would change."""
        if effective > self.day or (effective < self.day and not self.clean_eve):
            raise HistoryNeeded

    def arrived(self, id_: str) -> None:
        """HistoryNeeded for what another fact was about before it arrived."""
        if id_ in self.ledger.orphans:
            raise HistoryNeeded


def _bill(at: Posting, fact: Billed) -> None:
    at.arrived(fact.bill_id)
    wait = 0 if at.policy.overdue == "due_day" else 1
    due_on = fact.due_on.toordinal()
    if due_on + wait < at.day:
        raise HistoryNeeded
    if fact.amount_minor:
        due = Due(due_on, fact.issued_on.toordinal(), fact.bill_id, fact.amount_minor, 0, wait, False)
        at.ledger.add(due, at.policy.surplus == "carries_forward")


def _adjustment(at: Posting, fact: Adjusted) -> None:
    due, effective = at.ledger.open_bill(fact.bill_id), fact.effective_on.toordinal()
    if effective > at.day or (effective < at.day and due.overdue_from < at.day):
        raise HistoryNeeded
    if due.adjusted or (due.paid_minor and fact.amount_minor <= due.paid_minor):
        raise HistoryNeeded
    due.amount_minor, due.adjusted = fact.amount_minor, True
    if not due.amount_minor:
        at.ledger.open.remove(due)


def _cancellation(at: Posting, fact: Cancelled) -> None:
    due = at.ledger.open_bill(fact.bill_id)
    if due.paid_minor or due.overdue_from < at.day:
        raise HistoryNeeded
    at.ledger.open.remove(due)


def _repayment(at: Posting, fact: Repaid) -> None:
    at.arrived(fact.repayment_id)
    effective = fact.effective_on.toordinal()
    at.counts_now(effective)
    at.ledger.pour(fact.amount_minor, effective, at.policy.surplus == "carries_forward")


def _balance(at: Posting, fact: Balance) -> None:
    effective = fact.effective_on.toordinal()
    if effective > at.day or (effective < at.day and at.weighs_exposure):
        raise HistoryNeeded
    key = effective, fact.balance_id
    if key > at.ledger.exposure_key:
        at.ledger.exposure_key, at.ledger.exposure_minor = key, fact.exposure_minor


def _pause(at: Posting, fact: Paused) -> None:
    from_on = fact.from_on.toordinal()
    if from_on < at.day - 1 and not at.clean_eve:
        raise HistoryNeeded
    until_on = None if fact.until_on is None else fact.until_on.toordinal()
    at.ledger.pause(fact.pause_id, from_on=from_on, until_on=until_on)


def _resumption(at: Posting, fact: Resumed) -> None:
    on = fact.on.toordinal()
    if on < at.day - 1 and fact.pause_id in at.ledger.paused:
        raise HistoryNeeded
    at.ledger.pause(fact.pause_id, resumed_on=on)


def _write_off(at: Posting, fact: WrittenOff) -> None:
    if fact.effective_on.toordinal() > at.day:
        raise HistoryNeeded
    at.ledger.written_off_on = fact.effective_on.toordinal()


def _closure(at: Posting, fact: Closed) -> None:
    at.counts_now(fact.effective_on.toordinal())
    at.ledger.closed_on = fact.effective_on.toordinal()


def _from_history(at: Posting, fact: Fact) -> None:
    raise HistoryNeeded


_RULES: Final[dict[type[Any], Callable[[Posting, Any], None]]] = {
    Billed: _bill,
    Adjusted: _adjustment,
    Cancelled: _cancellation,
    Repaid: _repayment,
    Reversed: _from_history,
    ChargedBack: _from_history,
    Balance: _balance,
    Paused: _pause,
    Resumed: _resumption,
    Reaged: _from_history,
    ReageUndone: _from_history,
    WrittenOff: _write_off,
    Closed: _closure,
}
