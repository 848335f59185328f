"""The bodies of contact's HTTP requests and answers."""

from datetime import date, datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from services.contact.call_queue import Task
from services.contact.domain.calls import CallOutcome, CallReport, Promised
from shared.contracts.collections import Channel
from shared.contracts.fields import Amount, Id, Text
from shared.vocabulary.money import Money, minor_units


class Form(BaseModel):
    """Base of request bodies: a field that is not known is an error, since somebody meant something by it."""

    model_config = ConfigDict(extra="forbid")


class NextTasks(Form):
    """Which collector asks, and for how many tasks."""

    collector: Id
    limit: Annotated[int, Field(ge=1, le=50)] = 1


class AmountForm(Form):
    """Money as on the wire: {"amount": "120.50", "currency": "EUR"}."""

    amount: Annotated[str, Field(max_length=24)]
    currency: Annotated[str, Field(max_length=8)]


class PromiseForm(Form):
    """How much the customer will pay, and by when."""

    amount: AmountForm
    due_on: date

    def promised(self) -> Promised:
        """As the domain sees it; Rejected for an amount that is none."""
        amount, currency = self.amount.amount, self.amount.currency
        return Promised(minor_units(amount, currency), currency, self.due_on)


class ReasonForm(Form):
    """What it is about, in the customer's words."""

    reason: Text = ""


class OutcomeForm(Form):
    """How a leased call ended and what the customer said."""

    collector: Id
    outcome: CallOutcome
    promise: PromiseForm | None = None
    dispute: ReasonForm | None = None
    complaint: ReasonForm | None = None
    opt_out: tuple[Channel, ...] = ()

    def report(self) -> CallReport:
        """As the domain sees it; Rejected for an amount that is none."""
        return CallReport(
            self.outcome,
            self.promise.promised() if self.promise else None,
            self.dispute.reason if self.dispute else None,
            self.complaint.reason if self.complaint else None,
            self.opt_out,
        )


class InboundForm(Form):
    """What a customer wrote or said to us."""

    customer_id: Id
    channel: Channel
    text: Text = ""


class ResolveForm(Form):
    """A person's finding about an attempt of unknown fate.

    `not_sent` says that it certainly never left, as a mail server's log shows: the contact is planned again and passes
    the gate anew.
    """

    state: Literal["sent", "failed", "not_sent"]
    by: Id


class OwedAnswer(BaseModel):
    """One account and what is owed on it now."""

    account_id: str
    arrears: Amount


class NumberAnswer(BaseModel):
    """A number that may be called."""

    kind: str
    value: str


class TaskAnswer(BaseModel):
    """One leased call task."""

    id: str
    contact_id: str
    customer_id: str
    case_id: str
    name: str
    language: str
    template: str
    purpose: str
    priority: int
    days_past_due: int
    numbers: list[NumberAnswer]
    accounts: list[OwedAnswer]
    arrears: list[Amount]
    leased_until: datetime


def task_answer(task: Task) -> TaskAnswer:
    """A task with what the collector needs to make the call."""
    request, customer = task.request, task.customer
    owed = [(one.account_id, customer.balances[one.account_id]) for one in request.accounts]
    return TaskAnswer(
        id=request.contact_id, contact_id=request.contact_id, customer_id=request.customer_id,
        case_id=request.case_id, name=customer.name, language=customer.language, template=request.template,
        purpose=request.purpose, priority=request.priority, days_past_due=request.days_past_due,
        numbers=[NumberAnswer(kind=endpoint.kind, value=endpoint.value) for endpoint in task.endpoints],
        accounts=[
            OwedAnswer(account_id=account_id, arrears=Amount.of(balance.arrears_minor, balance.currency))
            for account_id, balance in owed
        ],
        arrears=[_amount(money) for money in task.arrears], leased_until=task.leased_until,
    )  # fmt: skip


def _amount(money: Money) -> Amount:
    return Amount.of(money.amount_minor, money.currency)
