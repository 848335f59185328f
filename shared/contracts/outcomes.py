"""What contact did and what people answered (DESIGN: Events). None of these carries a phone number or an address."""

from typing import Literal

from shared.contracts.collections import Channel
from shared.contracts.fields import AmountDue, Contract, Date, Id, Instant, Name, Text


class OutcomeEvent(Contract):
    """Base of what concerns one customer."""

    customer_id: Id


class ContactEvent(OutcomeEvent):
    """Base of what concerns one requested contact and, where there is one, its attempt."""

    contact_id: Id
    case_id: Id
    channel: Channel
    attempt_id: Id | None = None
    at: Instant


class ContactAttempted(ContactEvent):
    """The message was handed to the provider, or the call was placed; `outcome` says how a call ended, in its words."""

    outcome: Name = "sent"
    template: Name | None = None


class ContactDelivered(ContactEvent):
    """The provider says that the message reached the person's device or mailbox."""


class ContactFailed(ContactEvent):
    """The provider refused the message or could not deliver it."""

    reason: Name


class ContactSuppressed(ContactEvent):
    """The gate said no, or the request was withdrawn or expired unsent; `rule` is the first that refused."""

    rule: Name
    detail: Text = ""


class RightPartyReached(ContactEvent):
    """The customer, not somebody else, was spoken to."""


class PromiseMade(OutcomeEvent):
    """The customer says they will pay this much by that date."""

    promise_id: Id
    case_id: Id | None = None
    contact_id: Id | None = None
    amount: AmountDue
    due_on: Date
    promised_on: Date
    made_at: Instant


class DisputeRaised(OutcomeEvent):
    """The customer says that the debt is wrong."""

    dispute_id: Id
    contact_id: Id | None = None
    reason: Text = ""
    raised_at: Instant


class ComplaintReceived(OutcomeEvent):
    """The customer complains about how they are treated."""

    complaint_id: Id
    contact_id: Id | None = None
    reason: Text = ""
    received_at: Instant


class ConsentChanged(OutcomeEvent):
    """A consent as contact now holds it, whoever told it."""

    channel: Channel
    consent: Literal["given", "withdrawn"]
    effective_at: Instant
