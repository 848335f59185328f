"""Facts as core banking's events: the way back from the domain to the wire, which the services never need."""

from collections.abc import Callable
from typing import Any, Final

from services.ingest.domain import facts as f
from shared.contracts import banking
from shared.contracts.fields import Amount, Contract

_CONTRACTS: Final[dict[type[Any], Callable[[Any, str, str], Contract]]] = {
    f.Opened: lambda x, account_id, currency: banking.AccountOpened(
        account_id=account_id,
        customer_id=f"customer-{account_id}",
        product=x.product,
        currency=currency,
        policy=x.policy,
        classifications=x.classifications,
        opened_on=x.opened_on,
    ),
    f.Billed: lambda x, account_id, currency: banking.BillIssued(
        account_id=account_id,
        bill_id=x.bill_id,
        kind=x.bill_kind,
        amount=Amount.of(x.amount_minor, currency),
        issued_on=x.issued_on,
        due_on=x.due_on,
    ),
    f.Adjusted: lambda x, account_id, currency: banking.BillAdjusted(
        account_id=account_id,
        bill_id=x.bill_id,
        adjustment_id=x.adjustment_id,
        amount=Amount.of(x.amount_minor, currency),
        effective_on=x.effective_on,
    ),
    f.Cancelled: lambda x, account_id, _: banking.BillCancelled(
        account_id=account_id, bill_id=x.bill_id, effective_on=x.effective_on
    ),
    f.Repaid: lambda x, account_id, currency: banking.RepaymentReceived(
        account_id=account_id,
        repayment_id=x.repayment_id,
        amount=Amount.of(x.amount_minor, currency),
        effective_on=x.effective_on,
    ),
    f.Balance: lambda x, account_id, currency: banking.BalanceReported(
        account_id=account_id,
        balance_id=x.balance_id,
        exposure=Amount.of(x.exposure_minor, currency),
        effective_on=x.effective_on,
    ),
}


def contract(fact: f.Fact, account_id: str, currency: str) -> Contract:
    """The event that reports a fact of that account."""
    return _CONTRACTS[type(fact)](fact, account_id, currency)
