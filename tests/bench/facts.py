"""Core banking's facts as records, built from plain values: a model object a fact would cost the benches too much."""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any, Final

import orjson

Fact = tuple[str, str, bytes]
"""Topic, key and value."""
Facts = list[Fact]

TOPICS: Final = ("banking.accounts", "banking.billing", "banking.repayments")
MONTHS: Final = 12
START: Final = date(2025, 1, 1)


def steps(events: int, months: int = MONTHS) -> Iterator[Facts]:
    """A lender's year as it comes in: bills, then what is paid in time, then what is paid late; some is not paid."""
    accounts = [f"account-{n:07d}" for n in range(max(1, events // (1 + 3 * months)))]
    yield [opening(account, f"customer-{n:07d}", START) for n, account in enumerate(accounts)]
    for month in range(months):
        due = START + timedelta(days=30 * month + 20)
        yield [bill(account, f"b{month}", due - timedelta(days=20), due) for account in accounts]
        balances = [balance(account, f"e{month}", 500_000 - 9_000 * month, due) for account in accounts]
        in_time = [repaid(account, f"r{month}", due) for n, account in enumerate(accounts) if n % 10 < 8]
        yield [*balances, *in_time]
        late = [n for n in range(len(accounts)) if n % 10 >= 8 and n % 50 != 9]
        yield [repaid(accounts[n], f"r{month}", due + timedelta(days=7)) for n in late]


def opening(account: str, customer: str, on: date) -> Fact:
    """AccountOpened."""
    data = {"customer_id": customer, "product": "loan", "currency": "EUR", "policy": "instalment",
            "classifications": ["ifrs9"], "opened_on": str(on), "principal": eur(500_000)}  # fmt: skip
    return _of_account("accounts", "AccountOpened", account, on, "o", data)


def bill(account: str, bill_id: str, issued: date, due: date, amount_minor: int = 10_000) -> Fact:
    """BillIssued, recorded on the day it is issued."""
    dates = {"issued_on": str(issued), "due_on": str(due)}
    data = {"bill_id": bill_id, "kind": "instalment", "amount": eur(amount_minor), **dates}
    return _of_account("billing", "BillIssued", account, issued, bill_id, data)


def balance(account: str, balance_id: str, exposure_minor: int, on: date) -> Fact:
    """BalanceReported."""
    data = {"balance_id": balance_id, "exposure": eur(exposure_minor), "effective_on": str(on)}
    return _of_account("billing", "BalanceReported", account, on, balance_id, data)


def repaid(account: str, repayment_id: str, on: date, amount_minor: int = 10_000) -> Fact:
    """RepaymentReceived."""
    data = {"repayment_id": repayment_id, "amount": eur(amount_minor), "effective_on": str(on)}
    return _of_account("repayments", "RepaymentReceived", account, on, repayment_id, data)


def customer(customer_id: str, mobile: str, on: date) -> Fact:
    """CustomerUpdated: somebody who can be reached by SMS."""
    data = {"customer_id": customer_id, "revision": 1, "name": "Ada Example", "language": "en",
            "time_zone": "Europe/Paris", "region": "FR",
            "contact_points": [{"kind": "mobile", "value": mobile}]}  # fmt: skip
    return record("customers", "CustomerUpdated", customer_id, on, customer_id, data)


def eur(amount_minor: int) -> dict[str, str]:
    """The amount as it is written on the wire."""
    return {"amount": f"{amount_minor // 100}.{amount_minor % 100:02d}", "currency": "EUR"}


def record(word: str, name: str, key: str, on: date, event_id: str, data: dict[str, Any]) -> Fact:
    """One event, recorded at noon of a day."""
    head = {"specversion": "1.0", "id": event_id, "source": "core", "type": f"arrears.{word}.{name}.v1"}
    return f"banking.{word}", key, orjson.dumps({**head, "time": f"{on}T12:00:00Z", "data": data})


def _of_account(word: str, name: str, account: str, on: date, key: str, data: dict[str, Any]) -> Fact:
    return record(word, name, account, on, f"{account}-{key}", {"account_id": account, **data})
