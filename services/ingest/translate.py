"""Between the wire and the domain: contracts in, facts; status changes in, contracts out."""

from collections.abc import Callable
from datetime import UTC, date
from typing import Any, Final, NamedTuple

import orjson

from services.ingest.domain import facts
from services.ingest.domain.account import Account, RulesOf, StatusChange
from services.ingest.domain.changes import RepaymentEffect
from services.ingest.domain.facts import Fact
from services.ingest.domain.kept import pack_assessment, unpack_assessment
from services.ingest.tables import FactRow, Key
from shared.contracts import banking, delinquency
from shared.contracts.fields import Amount, AmountDue
from shared.messaging import Received


class Arrival(NamedTuple):
    """One fact of a batch: what it says of which account, in which currency, and the record it came in."""

    received: Received
    key: Key
    """What makes it the same fact."""
    fact: Fact
    currency: str | None

    @property
    def account_id(self) -> str:
        """Whose fact it is."""
        return self.key[0]

    @property
    def recorded_on(self) -> date:
        """The day it was recorded in UTC, as `stored` has it later, whichever zone the event was written in."""
        return self.received.event.time.astimezone(UTC).date()

    def row(self) -> FactRow:
        """The fact as it is stored."""
        body, event = orjson.dumps(facts.pack(self.fact)).decode(), self.received.event
        return FactRow(*self.key, body, self.currency, event.id, event.time)


def _minor(amount: AmountDue | None) -> int | None:
    return None if amount is None else amount.minor


def _opened(d: banking.AccountOpened) -> Fact:
    return facts.Opened(
        customer_id=d.customer_id,
        product=d.product,
        currency=d.currency,
        policy=d.policy,
        classifications=d.classifications,
        opened_on=d.opened_on,
        limit_minor=_minor(d.limit),
        principal_minor=_minor(d.principal),
    )


_FACTS: Final[dict[type[Any], Callable[[Any], Fact]]] = {
    banking.AccountOpened: _opened,
    banking.BillIssued: lambda d: facts.Billed(d.bill_id, d.kind, d.amount.minor, d.issued_on, d.due_on),
    banking.BillAdjusted: lambda d: facts.Adjusted(d.bill_id, d.adjustment_id, d.amount.minor, d.effective_on),
    banking.BillCancelled: lambda d: facts.Cancelled(d.bill_id, d.effective_on),
    banking.BalanceReported: lambda d: facts.Balance(d.balance_id, d.exposure.minor, d.effective_on),
    banking.RepaymentReceived: lambda d: facts.Repaid(d.repayment_id, d.amount.minor, d.effective_on),
    banking.RepaymentReversed: lambda d: facts.Reversed(d.repayment_id, d.effective_on),
    banking.RepaymentChargedBack: lambda d: facts.ChargedBack(d.repayment_id, d.effective_on),
    banking.DelinquencyPaused: lambda d: facts.Paused(d.pause_id, d.from_on, d.until_on),
    banking.DelinquencyResumed: lambda d: facts.Resumed(d.pause_id, d.on),
    banking.AccountReaged: lambda d: facts.Reaged(d.reage_id, d.effective_on),
    banking.AccountReageUndone: lambda d: facts.ReageUndone(d.reage_id, d.effective_on),
    banking.AccountWrittenOff: lambda d: facts.WrittenOff(d.amount.minor, d.effective_on),
    banking.AccountClosed: lambda d: facts.Closed(d.effective_on),
}
_AMOUNT_FIELD: Final[dict[type[Any], str]] = {
    banking.BillIssued: "amount",
    banking.BillAdjusted: "amount",
    banking.BalanceReported: "exposure",
    banking.RepaymentReceived: "amount",
    banking.AccountWrittenOff: "amount",
}


def arrival(received: Received) -> Arrival:
    """The fact inside one event of the banking topics."""
    data = received.event.data
    told: Fact = _FACTS[type(data)](data)
    return Arrival(received, (data.account_id, told.kind, told.key), told, currency(data))


def fact(data: Any) -> Fact:
    """The fact that one contract of the banking topics tells."""
    told: Fact = _FACTS[type(data)](data)
    return told


def currency(data: Any) -> str | None:
    """The currency a fact is in; None where it is about no money."""
    field = _AMOUNT_FIELD.get(type(data))
    if field is not None:
        code: str = getattr(data, field).currency
        return code
    return data.currency if isinstance(data, banking.AccountOpened) else None


def stored(row: FactRow) -> tuple[Fact, date]:
    """A stored fact and the day it was recorded."""
    return facts.unpack(row.kind, orjson.loads(row.body)), row.recorded_at.date()


_CONTRACTS: Final[dict[str, type[delinquency.DelinquencyStatus]]] = {
    "entered": delinquency.DelinquencyEntered,
    "rolled": delinquency.DelinquencyRolled,
    "arrears_changed": delinquency.ArrearsChanged,
    "cured": delinquency.DelinquencyCured,
    "repayment_applied": delinquency.RepaymentApplied,
}


def status(account: Account, change: StatusChange) -> delinquency.DelinquencyStatus:
    """The event that tells one change of an opened account."""
    rules, now, currency = account.rules, change.assessment, account.currency
    assert rules is not None
    fields: dict[str, Any] = {
        "account_id": account.account_id,
        "customer_id": account.customer_id,
        "product": account.product,
        "version": change.version,
        "as_of": now.as_of,
        "days_past_due": now.days_past_due,
        "bucket": now.bucket,
        "previous_bucket": change.previous_bucket,
        "delinquent": now.delinquent,
        "delinquent_since": now.delinquent_since,
        "arrears": Amount.of(now.arrears_minor, currency),
        "exposure": Amount.of(now.exposure_minor, currency),
        "oldest_due_on": now.oldest_due_on,
        "policy": rules.policy.name,
        "policy_version": rules.policy.version,
        "classifications": dict(now.classifications),
        "state": now.state,
        "cause": change.cause,
        "reason": change.reason,
    }
    if change.kind == "cured":
        fields["through"] = change.through
    if change.repayment is not None:
        repayment_id, amount_minor, applied_minor, effective_on = change.repayment
        fields |= {
            "repayment_id": repayment_id,
            "amount": Amount.of(amount_minor, currency),
            "applied_to_arrears": Amount.of(applied_minor, currency),
            "effective_on": effective_on,
        }
    return _made(_CONTRACTS[change.kind], fields)


def _made(contract: type[delinquency.DelinquencyStatus], fields: dict[str, Any]) -> delinquency.DelinquencyStatus:
    """A model of these values, all of its fields among them.

    The domain's values are right by construction: validating each again would cost more than the fold, and pydantic's
    own way around that, `model_construct`, looks at each field for its alias and default.
    """
    made = contract.__new__(contract)
    put = object.__setattr__
    put(made, "__dict__", fields)
    put(made, "__pydantic_fields_set__", set(fields))
    put(made, "__pydantic_extra__", None)
    put(made, "__pydantic_private__", None)
    return made


def told(account: Account, change: StatusChange) -> str:
    """A status as it is kept."""
    assert account.rules is not None
    now, repayment = pack_assessment(change.assessment), change.repayment
    why = [change.previous_bucket, change.cause, change.reason, change.through]
    body = [change.kind, now, *why, repayment and [*repayment[:3], repayment[3].toordinal()], account.rules.packs]
    return orjson.dumps(body).decode()


def as_told(version: int, body: str) -> tuple[StatusChange, str]:
    """A kept status and the packs it was assessed by."""
    kind, now, previous_bucket, cause, reason, through, repayment, packs = orjson.loads(body)
    effect = None
    if repayment is not None:
        repayment_id, amount_minor, applied_minor, effective_on = repayment
        effect = RepaymentEffect(repayment_id, amount_minor, applied_minor, date.fromordinal(effective_on))
    now = unpack_assessment(now)
    return StatusChange(kind, version, now, previous_bucket, cause, reason, through, effect), packs


def account(account_id: str, folded: str, rules_of: RulesOf) -> Account:
    """A stored account."""
    return Account.unpack(account_id, orjson.loads(folded), rules_of)


def as_of(folded: str) -> int:
    """The day, as an ordinal, up to which a stored account is folded."""
    day: int = orjson.loads(folded)[0]
    return day


def folded(account: Account) -> str:
    """An account as it is stored."""
    return orjson.dumps(account.pack()).decode()
