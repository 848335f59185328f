"""What ingest says of an account: its delinquency status, each change one version (DESIGN: Events)."""

from pydantic import Field

from shared.contracts.fields import Amount, AmountDue, Contract, Count, Date, Id, Name, Revision, Text


class DelinquencyStatus(Contract):
    """Base of the status events: the account's whole assessment after the change, so that a consumer needs no history.

    `version` counts per account from 1 without gaps over all status events; `cause` is the id of the fact that
    changed it, "ageing:<date>" at a day close, "policy:<name>@<version>" or "replay:<job>" at a re-assessment.
    `delinquent_since` is the first day of the present delinquency.
    """

    account_id: Id
    customer_id: Id
    product: Name
    version: Revision
    as_of: Date
    days_past_due: Count
    bucket: Name
    previous_bucket: Name
    delinquent: bool
    delinquent_since: Date | None = None
    arrears: AmountDue
    exposure: AmountDue
    oldest_due_on: Date | None = None
    policy: Name
    policy_version: Count
    classifications: dict[Id, Text] = Field(default_factory=dict)
    state: Name = "open"
    """open, written-off or closed."""
    cause: Id
    reason: Name
    """Why there is a new version: ageing, bill, adjustment, repayment, reversal, chargeback, balance, pause, ..."""


class DelinquencyEntered(DelinquencyStatus):
    """The account was not delinquent and now is."""


class DelinquencyRolled(DelinquencyStatus):
    """The account is delinquent and its bucket changed, forward or back."""


class ArrearsChanged(DelinquencyStatus):
    """Arrears, exposure, oldest due date, state or a classification changed; delinquency and bucket did not."""


class DelinquencyCured(DelinquencyStatus):
    """The account was delinquent and no longer is. `through` says how: repayment, reage, adjustment, closure, ..."""

    through: Name


class RepaymentApplied(DelinquencyStatus):
    """A repayment, its reversal or its chargeback was folded in; `amount` and `applied_to_arrears` are signed.

    `applied_to_arrears` is how much arrears fell (or, negative, rose) by it; the rest prepaid or reduced the balance.
    """

    repayment_id: Id
    amount: Amount
    applied_to_arrears: Amount
    effective_on: Date


class PortfolioAged(Contract):
    """One ingest shard's accounts are aged to that date; their statuses lie before this record on its partition."""

    business_date: Date
    source_shard: Count
    source_shards: Count
    """How many shards there are: a partition is complete for the date when it has one from each."""
