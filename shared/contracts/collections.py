"""What strategy decides: treatments to carry out, and what happens to a case (DESIGN: Events)."""

from typing import Literal

from shared.contracts.fields import AmountDue, Contract, Count, Date, Id, Instant, Name, Revision, Text

Channel = Literal["sms", "email", "call", "letter"]


class CaseEvent(Contract):
    """Base of what concerns one case: all collection work on one customer over one spell of delinquency."""

    case_id: Id
    customer_id: Id


class AccountOwed(Contract):
    """One delinquent account of a case as strategy knew it."""

    account_id: Id
    arrears: AmountDue
    days_past_due: Count
    bucket: Name
    version: Revision | None = None
    """The status version strategy had seen, so that contact can tell that its own is not older."""


class ContactRequested(CaseEvent):
    """Reach this customer over this channel with this template; contact's gate decides whether and when.

    `contact_id` is unique for ever: one request becomes at most one message. Worthless after `expires_at`.
    """

    contact_id: Id
    treatment_id: Id
    channel: Channel
    template: Name
    purpose: Name = "collection"
    accounts: tuple[AccountOwed, ...]
    arrears: tuple[AmountDue, ...]
    """Total arrears of the case, one amount a currency."""
    days_past_due: Count
    priority: Count = 0
    requested_at: Instant
    expires_at: Instant


class ContactWithdrawn(CaseEvent):
    """That request is no longer wanted (cured, promised, held): do not send it if it has not been sent."""

    contact_id: Id
    reason: Name


class CaseOpened(CaseEvent):
    """A customer became delinquent on at least one account."""

    opened_on: Date
    accounts: tuple[AccountOwed, ...]


class StrategyAssigned(CaseEvent):
    """Which strategy version treats the case, and in which experiment arm if any."""

    strategy: Name
    strategy_version: Count
    arm: Name | None = None


class TreatmentDecided(CaseEvent):
    """One decision with what led to it; `inputs` are the values the rule saw."""

    treatment_id: Id
    step: Name
    rule: Text
    strategy: Name
    strategy_version: Count
    decided_on: Date
    inputs: dict[Id, Text | int | bool | None]
    channel: Channel | None = None


class PromiseKept(CaseEvent):
    """Net repayments reached the threshold share of the promised amount by its date and grace."""

    promise_id: Id
    promised: AmountDue
    paid: AmountDue
    promised_on: Date
    due_on: Date
    judged_on: Date


class PromiseBroken(PromiseKept):
    """They did not, or a reversal took them below it again."""


class HoldPlaced(CaseEvent):
    """A reason to stop treating: dispute, hardship, bankruptcy, deceased, legal, complaint, cease_contact, ..."""

    hold_id: Id
    kind: Name
    until_on: Date | None = None


class HoldReleased(CaseEvent):
    """That hold no longer stops the case."""

    hold_id: Id
    kind: Name


class Placed(CaseEvent):
    """The case was handed to an outside agency."""

    placement_id: Id
    agency: Text
    placed_on: Date
    balance: tuple[AmountDue, ...]


class Recalled(CaseEvent):
    """The case was taken back."""

    placement_id: Id
    recalled_on: Date


class LegalStepTaken(CaseEvent):
    """A filing or another legal step."""

    step: Name
    taken_on: Date


class CaseClosed(CaseEvent):
    """Work on the case ended: cured, closed, written_off, ..."""

    closed_on: Date
    reason: Name
