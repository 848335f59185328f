"""What core banking publishes: accounts, customers, bills, repayments and the business calendar (DESIGN: Events)."""

from typing import Annotated, Literal

from pydantic import Field, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from shared.contracts.fields import AmountDue, Contract, Currency, Date, Id, Instant, Name, Revision, Text


class AccountEvent(Contract):
    """Base of what concerns one account; the account is the record's key."""

    account_id: Id


class AccountOpened(AccountEvent):
    """One credit agreement starts: whose it is, in which currency, and by which policy pack it ages."""

    customer_id: Id
    product: Name
    currency: Currency
    policy: Name
    classifications: Annotated[tuple[Name, ...], Field(max_length=20)] = ()
    opened_on: Date
    limit: AmountDue | None = None
    principal: AmountDue | None = None
    branch: Text | None = None
    region: Text | None = None

    @field_validator("limit", "principal")
    @classmethod
    def _in_its_currency(cls, amount: AmountDue | None, others: ValidationInfo) -> AmountDue | None:
        """An amount alone is kept without its currency: taken in, 10,000 yen would be 10,000 cents."""
        own = others.data.get("currency")
        if amount is not None and own is not None and amount.currency != own:
            said = {"own": own, "other": amount.currency}
            raise PydanticCustomError("wrong_currency", "the account is in {own}, the amount in {other}", said)
        return amount


class AccountReaged(AccountEvent):
    """Existing arrears are brought current by agreement on that date."""

    reage_id: Id
    effective_on: Date


class AccountReageUndone(AccountReaged):
    """The re-age of that id never counted."""


class AccountWrittenOff(AccountEvent):
    """The debt is an accounting loss; ageing goes on for recovery work."""

    amount: AmountDue
    effective_on: Date


class AccountClosed(AccountEvent):
    """The account ended; it assesses to zeros from that date."""

    effective_on: Date


class DelinquencyPaused(AccountEvent):
    """Days in [from_on, until_on) do not age the account; open-ended without until_on."""

    pause_id: Id
    from_on: Date
    until_on: Date | None = None

    @field_validator("until_on")
    @classmethod
    def _not_reversed(cls, until_on: Date | None, others: ValidationInfo) -> Date | None:
        """Two dates that were mixed up would pause nothing, without a word."""
        from_on = others.data.get("from_on")
        if until_on is not None and from_on is not None and until_on < from_on:
            raise PydanticCustomError("ends_before_it_begins", "must not be before from_on")
        return until_on


class DelinquencyResumed(AccountEvent):
    """The pause of that id ends on this date."""

    pause_id: Id
    on: Date


class ContactPoint(Contract):
    """One way to reach a customer; `value` is an E.164 number, an email address or a postal address."""

    kind: Literal["mobile", "landline", "email", "postal"]
    value: Text
    verified_on: Date | None = None


class CustomerUpdated(Contract):
    """The whole of what is known of a customer; the highest revision wins."""

    customer_id: Id
    revision: Revision
    name: Text
    language: Name
    time_zone: Text | None = None
    region: Text | None = None
    address: Text | None = None
    contact_points: Annotated[tuple[ContactPoint, ...], Field(max_length=100)] = ()


class ConsentGiven(Contract):
    """The customer agreed to be contacted over a channel; for one endpoint where `value` is given, else for all."""

    customer_id: Id
    channel: Literal["sms", "email", "call", "letter"]
    value: Text | None = None
    effective_at: Instant


class ConsentWithdrawn(ConsentGiven):
    """The customer opted out of a channel, or of one endpoint of it."""


class BillIssued(AccountEvent):
    """An amount that falls due: an instalment, a card's minimum, a fee."""

    bill_id: Id
    kind: Name
    amount: AmountDue
    issued_on: Date
    due_on: Date


class BillAdjusted(AccountEvent):
    """Replaces the bill's amount; among several the last (effective_on, adjustment_id) holds."""

    bill_id: Id
    adjustment_id: Id
    amount: AmountDue
    effective_on: Date


class BillCancelled(AccountEvent):
    """The bill was never owed."""

    bill_id: Id
    effective_on: Date


class BalanceReported(AccountEvent):
    """Total exposure: statement balance or outstanding principal."""

    balance_id: Id
    exposure: AmountDue
    effective_on: Date


class RepaymentReceived(AccountEvent):
    """Money in, counting from its value date."""

    repayment_id: Id
    amount: AmountDue
    effective_on: Date
    channel: Name | None = None


class RepaymentReversed(AccountEvent):
    """That repayment never counted (returned debit, posting error), from its own value date on."""

    repayment_id: Id
    effective_on: Date
    reason: Text | None = None


class RepaymentChargedBack(RepaymentReversed):
    """That money went back: a new obligation, due on this date."""


class BusinessDayClosed(Contract):
    """Core banking has booked everything of that day; the business date moves to it."""

    business_date: Date


class ClockAdvanced(Contract):
    """Local systems only: the simulated clock reads `now`. Refused where environment is not local."""

    now: Instant
