"""What a case can learn, in the domain's words; each is one event of another service or one command."""

from dataclasses import dataclass
from datetime import date

from services.strategy.domain.account import Account
from services.strategy.domain.treatment import ContactState


@dataclass(frozen=True, slots=True)
class StatusChanged:
    """An account's delinquency status, any version."""

    account: Account


@dataclass(frozen=True, slots=True)
class RepaymentMoved:
    """Money in (positive) or taken back again (negative), with the account's status after it."""

    account: Account
    repayment_id: str
    amount_minor: int
    effective_on: date


@dataclass(frozen=True, slots=True)
class ContactBecame:
    """News of a contact."""

    contact_id: str
    state: ContactState
    outcome: str | None
    on: date


@dataclass(frozen=True, slots=True)
class PromiseGiven:
    """The customer says what they will pay, and by when."""

    promise_id: str
    case_id: str | None
    amount_minor: int
    currency: str
    promised_on: date
    due_on: date


@dataclass(frozen=True, slots=True)
class HoldWanted:
    """A reason to stop treating the customer; without an id it gets the next one."""

    kind: str
    on: date
    hold_id: str | None = None
    until_on: date | None = None


@dataclass(frozen=True, slots=True)
class HoldLifted:
    """That reason is gone."""

    hold_id: str
    on: date


Fact = StatusChanged | RepaymentMoved | ContactBecame | PromiseGiven | HoldWanted | HoldLifted


def happened_on(fact: Fact) -> date:
    """The day a fact belongs to, for what reacts to it."""
    match fact:
        case StatusChanged(account) | RepaymentMoved(account):
            return account.as_of
        case PromiseGiven(promised_on=on):
            return on
        case ContactBecame(on=on) | HoldWanted(on=on) | HoldLifted(on=on):
            return on
