"""A published record as a fact of ingest's domain: the demo's own reading of the wire, not the service's."""

from collections.abc import Callable
from datetime import date
from typing import Any, Final

from services.ingest.domain import facts
from shared.vocabulary.money import minor_units

_day = date.fromisoformat


def _minor(money: dict[str, str]) -> int:
    return minor_units(money["amount"], money["currency"])


def _opened(d: dict[str, Any]) -> facts.Fact:
    lent = {f"{name}_minor": _minor(d[name]) for name in ("limit", "principal") if name in d}
    return facts.Opened(
        d["customer_id"], d["product"], d["currency"], d["policy"], (), _day(d["opened_on"]), **lent
    )  # fmt: skip


def _billed(d: dict[str, Any]) -> facts.Fact:
    return facts.Billed(d["bill_id"], d["kind"], _minor(d["amount"]), _day(d["issued_on"]), _day(d["due_on"]))


def _adjusted(d: dict[str, Any]) -> facts.Fact:
    return facts.Adjusted(d["bill_id"], d["adjustment_id"], _minor(d["amount"]), _day(d["effective_on"]))


def _paused(d: dict[str, Any]) -> facts.Fact:
    until = d.get("until_on")
    return facts.Paused(d["pause_id"], _day(d["from_on"]), _day(until) if until else None)


_READERS: Final[dict[str, Callable[[dict[str, Any]], facts.Fact]]] = {
    "AccountOpened": _opened,
    "BillIssued": _billed,
    "BillAdjusted": _adjusted,
    "BillCancelled": lambda d: facts.Cancelled(d["bill_id"], _day(d["effective_on"])),
    "BalanceReported": lambda d: facts.Balance(d["balance_id"], _minor(d["exposure"]), _day(d["effective_on"])),
    "RepaymentReceived": lambda d: facts.Repaid(d["repayment_id"], _minor(d["amount"]), _day(d["effective_on"])),
    "RepaymentReversed": lambda d: facts.Reversed(d["repayment_id"], _day(d["effective_on"])),
    "RepaymentChargedBack": lambda d: facts.ChargedBack(d["repayment_id"], _day(d["effective_on"])),
    "DelinquencyPaused": _paused,
    "DelinquencyResumed": lambda d: facts.Resumed(d["pause_id"], _day(d["on"])),
    "AccountReaged": lambda d: facts.Reaged(d["reage_id"], _day(d["effective_on"])),
    "AccountReageUndone": lambda d: facts.ReageUndone(d["reage_id"], _day(d["effective_on"])),
    "AccountWrittenOff": lambda d: facts.WrittenOff(_minor(d["amount"]), _day(d["effective_on"])),
    "AccountClosed": lambda d: facts.Closed(_day(d["effective_on"])),
}

TOPIC_OF_KIND: Final = {
    "opened": "banking.accounts",
    "reaged": "banking.accounts",
    "reage_undone": "banking.accounts",
    "written_off": "banking.accounts",
    "closed": "banking.accounts",
    "paused": "banking.accounts",
    "resumed": "banking.accounts",
    "billed": "banking.billing",
    "adjusted": "banking.billing",
    "cancelled": "banking.billing",
    "balance": "banking.billing",
    "repaid": "banking.repayments",
    "reversed": "banking.repayments",
    "charged_back": "banking.repayments",
}
"""Kinds of stored facts, by the topic they come on."""


def fact_of(event: dict[str, Any]) -> tuple[str, facts.Fact]:
    """The account and the fact in an event of one of the account topics."""
    data = event["data"]
    return data["account_id"], _READERS[event["type"].split(".")[2]](data)
