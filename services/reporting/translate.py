"""Events as the store takes them: statuses, contacts, promises and rows."""

from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Any, Final

from services.reporting.domain.bucket import days_from
from services.reporting.domain.contact import Contact, Promise
from shared.contracts import banking, collections, outcomes
from shared.contracts.delinquency import DelinquencyCured, DelinquencyStatus, RepaymentApplied
from shared.messaging import Received

Row = tuple[Any, ...]
"""A row as the store takes it, in the order of its table's columns."""


def source_shard_of(received: Received) -> int | None:
    """The number of the ingest shard a status came from ("ingest.accounts.3" is 3); None for a foreign record."""
    return None if received.source_shard is None else _number_of(received.source_shard)


@lru_cache(maxsize=1024)
def _number_of(shard: str) -> int | None:
    number = shard.rpartition(".")[2]
    return int(number) if number.isdecimal() else None


def status_row(data: DelinquencyStatus) -> Row:
    """A status in the columns of `store.statuses.STATUS`."""
    return (
        data.account_id, data.customer_id, data.product, data.arrears.currency, data.version, data.as_of,
        data.days_past_due, data.bucket, days_from(data.bucket, data.days_past_due), data.state, data.delinquent,
        data.exposure.minor, data.arrears.minor,
    )  # fmt: skip


def unassessed_row(data: DelinquencyStatus) -> Row:
    """What an account was before this first status: nothing known, nothing owed."""
    return (
        data.account_id, data.customer_id, data.product, data.arrears.currency, 0, data.as_of, 0, "new", -1, "new",
        False, 0, 0,
    )  # fmt: skip


def repayment_row(data: RepaymentApplied, booked_on: date) -> Row:
    """A row of fact_repayment_applied."""
    return (
        data.account_id, data.version, booked_on, data.repayment_id, data.product, data.amount.currency,
        data.amount.minor, data.applied_to_arrears.minor, data.effective_on, data.state,
    )  # fmt: skip


def cure_row(data: DelinquencyCured, booked_on: date) -> Row:
    """A row of fact_cure."""
    return data.account_id, data.version, booked_on, data.product, data.arrears.currency, data.through


def account_row(data: banking.AccountOpened) -> Row:
    """A row of dim_account."""
    credit = data.limit or data.principal
    return (
        data.account_id, data.customer_id, data.product, data.currency, data.policy, data.opened_on,
        data.opened_on.replace(day=1), None if credit is None else credit.minor, data.branch, data.region,
    )  # fmt: skip


def customer_row(data: banking.CustomerUpdated) -> Row:
    """A row of dim_customer: neither name nor contact points."""
    return data.customer_id, data.revision, data.language, data.region, data.time_zone


def requested_contact(data: collections.ContactRequested) -> Contact:
    """A contact as strategy asked for it; its money is the first currency's."""
    arrears = data.arrears[0] if data.arrears else None
    return Contact(
        data.contact_id,
        customer_id=data.customer_id,
        case_id=data.case_id,
        channel=data.channel,
        template=data.template,
        purpose=data.purpose,
        currency=None if arrears is None else arrears.currency,
        arrears_minor=None if arrears is None else arrears.minor,
        days_past_due=data.days_past_due,
        requested_on=_day(data.requested_at),
    )


_STAGE: Final[dict[type[outcomes.ContactEvent], str]] = {
    outcomes.ContactAttempted: "attempted_on",
    outcomes.ContactDelivered: "delivered_on",
    outcomes.ContactFailed: "failed_on",
    outcomes.ContactSuppressed: "suppressed_on",
    outcomes.RightPartyReached: "right_party_on",
}


def reached_contact(data: outcomes.ContactEvent) -> Contact:
    """A contact with the stage this outcome says it reached."""
    told: dict[str, Any] = {_STAGE[type(data)]: _day(data.at)}
    return Contact(data.contact_id, data.customer_id, data.case_id, data.channel, **told)


def failed_contact(data: outcomes.ContactFailed) -> Contact:
    """The same with the reason."""
    return reached_contact(data)._replace(failure=data.reason)


def suppressed_contact(data: outcomes.ContactSuppressed) -> Contact:
    """The same with the rule that refused it."""
    return reached_contact(data)._replace(suppressed_rule=data.rule)


def made_promise(data: outcomes.PromiseMade) -> Promise:
    """A promise as contact recorded it."""
    return Promise(
        data.promise_id,
        customer_id=data.customer_id,
        currency=data.amount.currency,
        promised_minor=data.amount.minor,
        promised_on=data.promised_on,
        due_on=data.due_on,
        case_id=data.case_id,
        contact_id=data.contact_id,
    )


def kept_promise(data: collections.PromiseKept) -> Promise:
    """A promise with strategy's verdict."""
    return Promise(
        data.promise_id,
        customer_id=data.customer_id,
        currency=data.promised.currency,
        promised_minor=data.promised.minor,
        promised_on=data.promised_on,
        due_on=data.due_on,
        case_id=data.case_id,
        outcome="kept",
        judged_on=data.judged_on,
        paid_minor=data.paid.minor,
    )


def broken_promise(data: collections.PromiseBroken) -> Promise:
    """The same with the other verdict."""
    return kept_promise(data)._replace(outcome="broken")


def opened_case(data: collections.CaseOpened) -> Row:
    """A row of fact_case with what this event tells of it, as all of these."""
    return data.case_id, data.customer_id, data.opened_on, None, None, None, None, None


def assigned_case(data: collections.StrategyAssigned) -> Row:
    """A row of fact_case."""
    return data.case_id, data.customer_id, None, None, None, data.strategy, data.strategy_version, data.arm


def closed_case(data: collections.CaseClosed) -> Row:
    """A row of fact_case."""
    return data.case_id, data.customer_id, None, data.closed_on, data.reason, None, None, None


def treatment_row(data: collections.TreatmentDecided) -> Row:
    """A row of fact_treatment."""
    return (
        data.treatment_id, data.case_id, data.customer_id, data.decided_on, data.step, data.rule, data.strategy,
        data.strategy_version, data.channel,
    )  # fmt: skip


def _day(at: datetime) -> date:
    return at.astimezone(UTC).date()
