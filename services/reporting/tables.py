"""The reporting store: a star of facts around accounts and customers, and the aggregates that closed days leave.

Comments are for people who query: the data dictionary and the database's own comments are made from them.
Amounts are integers of the currency's minor unit (`_minor`); currencies are never added.
"""

from typing import Any, Final

import sqlalchemy as sa

metadata = sa.MetaData()

INTERNAL: Final = {"day_aged", "opened_count", "contact_count", "promise_count"}
"""Bookkeeping per shard; people read the views over them."""


def _key(name: str, kind: Any, comment: str) -> sa.Column[Any]:
    return sa.Column(name, kind, primary_key=True, comment=comment)


def _must(name: str, kind: Any, comment: str) -> sa.Column[Any]:
    return sa.Column(name, kind, nullable=False, comment=comment)


def _may(name: str, kind: Any, comment: str) -> sa.Column[Any]:
    return sa.Column(name, kind, nullable=True, comment=comment)


def _minor(name: str, comment: str) -> sa.Column[Any]:
    return _must(name, sa.BigInteger, comment)


def _count(name: str, comment: str) -> sa.Column[Any]:
    return sa.Column(name, sa.BigInteger, nullable=False, server_default="0", comment=comment)


business_day = sa.Table(
    "business_day",
    metadata,
    _key("business_date", sa.Date, "a closed day that is complete: every ingest shard has aged every partition to it"),
    _may("previous_date", sa.Date, "the complete day before it; null for the first"),
    comment="The days figures exist for.",
)

day_aged = sa.Table(
    "day_aged",
    metadata,
    _key("business_date", sa.Date, "the day"),
    _key("shard", sa.Integer, "partition of delinquency.status"),
    _key("source_shard", sa.Integer, "ingest shard that has aged its accounts to the day"),
    _must("source_shards", sa.Integer, "how many ingest shards there are"),
    comment="Which ingest shard has closed which day on which partition.",
)

dim_account = sa.Table(
    "dim_account",
    metadata,
    _key("account_id", sa.Text, "core banking's id"),
    _must("customer_id", sa.Text, "owner"),
    _must("product", sa.Text, "product name"),
    _must("currency", sa.Text, "ISO 4217 code of every amount of the account"),
    _must("policy", sa.Text, "policy pack by which the account ages"),
    _must("opened_on", sa.Date, "opening date"),
    _must("opened_month", sa.Date, "first day of the opening month: the vintage"),
    _may("credit_minor", sa.BigInteger, "credit limit or principal"),
    _may("branch", sa.Text, "branch, where told"),
    _may("region", sa.Text, "region, where told"),
    comment="One row an account opened.",
)

dim_customer = sa.Table(
    "dim_customer",
    metadata,
    _key("customer_id", sa.Text, "core banking's id"),
    _must("revision", sa.BigInteger, "revision of the row; the highest wins"),
    _must("language", sa.Text, "language the customer is addressed in"),
    _may("region", sa.Text, "region, where told"),
    _may("time_zone", sa.Text, "time zone, where told"),
    comment="One row a customer. No names and no contact points: those stay with the contact service.",
)


def _status(name: str, comment: str, *more: Any, **options: Any) -> sa.Table:
    return sa.Table(
        name,
        metadata,
        _key("account_id", sa.Text, "account"),
        *more,
        _must("customer_id", sa.Text, "owner"),
        _must("product", sa.Text, "product name"),
        _must("currency", sa.Text, "ISO 4217 code"),
        _must("version", sa.BigInteger, "version of the status, counted per account"),
        _must("as_of", sa.Date, "date ingest assessed the account for"),
        _must("days_past_due", sa.Integer, "days past due at as_of"),
        _must("bucket", sa.Text, "bucket of the account's policy"),
        _must("days_from", sa.Integer, "first day past due of the bucket; 30+ means days_from >= 30"),
        _must("state", sa.Text, "open, written-off or closed; new before the first status"),
        _must("delinquent", sa.Boolean, "counts as delinquent under the policy's materiality test"),
        _minor("exposure_minor", "total exposure as reported"),
        _minor("arrears_minor", "due and unpaid"),
        sa.Column(
            "balance_minor",
            sa.BigInteger,
            sa.Computed("CASE WHEN exposure_minor <> 0 THEN exposure_minor ELSE arrears_minor END", persisted=True),
            nullable=False,
            comment="B of the metrics: exposure, or arrears where no exposure is reported",
        ),
        comment=comment,
        **options,
    )


# Room in each page lets a status replace the one before it in place, without touching the index.
account_now = _status(
    "account_now",
    "The present status of every assessed account, before the next close too.",
    _must("valid_from", sa.Date, "first day whose close counts it; 1900-01-01 before the first close"),
    postgresql_with={"fillfactor": 70},
)

account_past = _status(
    "account_past",
    "Every status that held at the close of some day and no longer does; rows are only inserted.",
    _key("valid_from", sa.Date, "first day whose close counted it"),
    _must("valid_to", sa.Date, "first day whose close no longer did"),
    sa.Index("account_past_by_end", "valid_to"),
)

fact_repayment_applied = sa.Table(
    "fact_repayment_applied",
    metadata,
    _key("account_id", sa.Text, "account"),
    _key("version", sa.BigInteger, "version of the status that came with it"),
    _must("booked_on", sa.Date, "first day whose close counts it"),
    _must("repayment_id", sa.Text, "the repayment, its reversal or its chargeback"),
    _must("product", sa.Text, "product name"),
    _must("currency", sa.Text, "ISO 4217 code"),
    _minor("amount_minor", "money received; negative when it went back"),
    _minor("applied_minor", "how much arrears fell by it; negative when they rose"),
    _must("effective_on", sa.Date, "value date"),
    _must("state", sa.Text, "state of the account when it was applied"),
    sa.Index("fact_repayment_applied_by_day", "booked_on"),
    comment="One row each time a repayment, a reversal or a chargeback was applied.",
)

fact_cure = sa.Table(
    "fact_cure",
    metadata,
    _key("account_id", sa.Text, "account"),
    _key("version", sa.BigInteger, "version of the status that says so"),
    _must("booked_on", sa.Date, "first day whose close counts it"),
    _must("product", sa.Text, "product name"),
    _must("currency", sa.Text, "ISO 4217 code"),
    _must("through", sa.Text, "repayment, reage, adjustment, closure, ..."),
    sa.Index("fact_cure_by_day", "booked_on"),
    comment="One row each time an account stopped being delinquent.",
)

fact_contact = sa.Table(
    "fact_contact",
    metadata,
    _key("contact_id", sa.Text, "one request, at most one message or call"),
    _may("customer_id", sa.Text, "customer"),
    _may("case_id", sa.Text, "case it belongs to"),
    _may("channel", sa.Text, "sms, email, call or letter"),
    _may("template", sa.Text, "what was to be said"),
    _may("purpose", sa.Text, "collection, ..."),
    _may("currency", sa.Text, "currency of arrears_minor: the first, where a case owes in several"),
    _may("arrears_minor", sa.BigInteger, "arrears of the case when the contact was requested"),
    _may("days_past_due", sa.Integer, "highest days past due of the case then"),
    _may("requested_on", sa.Date, "date (UTC) strategy asked for it"),
    _may("attempted_on", sa.Date, "date it was handed to the provider or the call was placed"),
    _may("delivered_on", sa.Date, "date the provider reported delivery"),
    _may("failed_on", sa.Date, "date the provider gave up"),
    _may("failure", sa.Text, "why it failed"),
    _may("suppressed_on", sa.Date, "date the gate refused it"),
    _may("suppressed_rule", sa.Text, "first rule that refused it"),
    _may("right_party_on", sa.Date, "date the customer, not somebody else, was spoken to"),
    _may("promised_on", sa.Date, "date the customer promised to pay in it"),
    _may("promise_outcome", sa.Text, "kept or broken, once judged"),
    sa.Index("fact_contact_by_day", "requested_on"),
    comment="One row a contact with the stages of the funnel it reached.",
)

fact_promise = sa.Table(
    "fact_promise",
    metadata,
    _key("promise_id", sa.Text, "promise"),
    _must("customer_id", sa.Text, "customer"),
    _may("case_id", sa.Text, "case"),
    _may("contact_id", sa.Text, "contact in which it was made"),
    _must("currency", sa.Text, "ISO 4217 code"),
    _minor("promised_minor", "promised amount"),
    _must("promised_on", sa.Date, "date of the promise"),
    _must("due_on", sa.Date, "promised date"),
    _may("outcome", sa.Text, "kept or broken, once judged"),
    _may("judged_on", sa.Date, "date of the latest verdict"),
    _may("paid_minor", sa.BigInteger, "net repayments that counted towards it"),
    comment="One row a promise to pay.",
)

fact_case = sa.Table(
    "fact_case",
    metadata,
    _key("case_id", sa.Text, "case"),
    _must("customer_id", sa.Text, "customer"),
    _may("opened_on", sa.Date, "date the customer became delinquent"),
    _may("closed_on", sa.Date, "date work ended"),
    _may("close_reason", sa.Text, "cured, closed, written_off, ..."),
    _may("strategy", sa.Text, "strategy that treats it"),
    _may("strategy_version", sa.Integer, "its version"),
    _may("arm", sa.Text, "experiment arm, if any"),
    comment="One row a case: all collection work on one customer over one spell of delinquency.",
)

fact_treatment = sa.Table(
    "fact_treatment",
    metadata,
    _key("treatment_id", sa.Text, "treatment"),
    _must("case_id", sa.Text, "case"),
    _must("customer_id", sa.Text, "customer"),
    _must("decided_on", sa.Date, "date of the decision"),
    _must("step", sa.Text, "step of the strategy"),
    _must("rule", sa.Text, "rule that chose it"),
    _must("strategy", sa.Text, "strategy"),
    _must("strategy_version", sa.Integer, "its version"),
    _may("channel", sa.Text, "channel, where it is a contact"),
    sa.Index("fact_treatment_by_day", "decided_on"),
    comment="One row a treatment decided.",
)

daily_bucket = sa.Table(
    "daily_bucket",
    metadata,
    _key("business_date", sa.Date, "closed day"),
    _key("currency", sa.Text, "ISO 4217 code"),
    _key("product", sa.Text, "product name"),
    _key("state", sa.Text, "open, written-off or closed"),
    _key("delinquent", sa.Boolean, "delinquent under the policy"),
    _key("bucket", sa.Text, "bucket"),
    _key("days_from", sa.Integer, "first day past due of the bucket"),
    _count("accounts", "accounts assessed"),
    _count("balance_minor", "their B: exposure, or arrears where none is reported"),
    _count("exposure_minor", "their exposure"),
    _count("arrears_minor", "their arrears"),
    comment="Assessed accounts at the close of each day.",
)

daily_move = sa.Table(
    "daily_move",
    metadata,
    sa.Column("business_date", sa.Date, nullable=False, comment="closed day at which the change first counts"),
    _must("currency", sa.Text, "ISO 4217 code"),
    _must("product", sa.Text, "product name"),
    _must("state0", sa.Text, "state at the previous close; new when the account was not assessed then"),
    _must("delinquent0", sa.Boolean, "delinquent at the previous close"),
    _must("bucket0", sa.Text, "bucket at the previous close"),
    _must("days_from0", sa.Integer, "first day past due of that bucket"),
    _must("state1", sa.Text, "state at this close"),
    _must("delinquent1", sa.Boolean, "delinquent at this close"),
    _must("bucket1", sa.Text, "bucket at this close"),
    _must("days_from1", sa.Integer, "first day past due of that bucket"),
    _count("accounts", "accounts with a new status, those staying in their bucket too"),
    _count("balance0_minor", "their B at the previous close"),
    _count("exposure0_minor", "their exposure then"),
    _count("arrears0_minor", "their arrears then"),
    _count("balance1_minor", "their B at this close"),
    _count("exposure1_minor", "their exposure now"),
    _count("arrears1_minor", "their arrears now"),
    _count("applied_minor", "repayments applied to arrears that day, net of what went back"),
    _count("newly_overdue_minor", "arrears that arose otherwise"),
    _count("otherwise_reduced_minor", "arrears that fell otherwise: adjusted, cancelled, re-aged, closed"),
    sa.Index("daily_move_by_day", "business_date"),
    comment="What changed between two closes, by where accounts came from and went to.",
)

daily_repaid = sa.Table(
    "daily_repaid",
    metadata,
    _key("business_date", sa.Date, "closed day that counts the money first"),
    _key("currency", sa.Text, "ISO 4217 code"),
    _key("product", sa.Text, "product name"),
    _count("repayments", "repayments received"),
    _count("repaid_minor", "money received"),
    _count("returned_minor", "money that went back by reversal or chargeback"),
    _count("applied_minor", "applied to arrears, net of what went back"),
    comment="Money received a day.",
)

daily_cure = sa.Table(
    "daily_cure",
    metadata,
    _key("business_date", sa.Date, "closed day"),
    _key("currency", sa.Text, "ISO 4217 code"),
    _key("product", sa.Text, "product name"),
    _key("through", sa.Text, "how they cured"),
    _count("accounts", "accounts delinquent at the previous close that cured by this one"),
    _count("balance0_minor", "their B at the previous close"),
    comment="Cures a day.",
)

monthly_roll = sa.Table(
    "monthly_roll",
    metadata,
    _key("from_date", sa.Date, "last closed day of the month before"),
    _key("to_date", sa.Date, "last closed day of the month"),
    _key("currency", sa.Text, "ISO 4217 code"),
    _key("product", sa.Text, "product name"),
    _key("from_bucket", sa.Text, "bucket, closed, written-off, or new when not assessed at from_date"),
    _key("to_bucket", sa.Text, "bucket, closed or written-off"),
    _must("from_days", sa.Integer, "first day past due of from_bucket; -1 for new, 100000 and 100001 for the states"),
    _must("to_days", sa.Integer, "the same of to_bucket"),
    _count("accounts", "accounts"),
    _count("balance_minor", "their B at from_date"),
    _count("balance_to_minor", "their B at to_date"),
    comment="Roll matrix from month end to month end.",
)

monthly_cure = sa.Table(
    "monthly_cure",
    metadata,
    _key("from_date", sa.Date, "last closed day of the month before"),
    _key("to_date", sa.Date, "last closed day of the month"),
    _key("currency", sa.Text, "ISO 4217 code"),
    _key("product", sa.Text, "product name"),
    _key("through", sa.Text, "how they cured"),
    _count("accounts", "accounts delinquent at from_date that cured by to_date"),
    _count("balance0_minor", "their B at from_date"),
    comment="Cures from month end to month end.",
)

opened_count = sa.Table(
    "opened_count",
    metadata,
    _key("shard", sa.Integer, "partition of banking.accounts"),
    _key("opened_on", sa.Date, "opening date"),
    _key("currency", sa.Text, "ISO 4217 code"),
    _key("product", sa.Text, "product name"),
    _count("accounts", "accounts opened"),
    comment="Accounts opened per day, a row a shard.",
)

STAGES: Final = (
    "requested",
    "suppressed",
    "attempted",
    "delivered",
    "failed",
    "reached",
    "right_party",
    "promised",
    "kept",
    "broken",
)
"""Of the contact funnel; each is counted once a contact, on the day the contact was requested."""

contact_count = sa.Table(
    "contact_count",
    metadata,
    _key("shard", sa.Integer, "partition"),
    _key("requested_on", sa.Date, "date the contacts were requested"),
    _key("currency", sa.Text, "currency of the arrears"),
    _key("channel", sa.Text, "channel"),
    _key("rule", sa.Text, "rule that suppressed them; empty when none did"),
    *(_count(stage, f"contacts {stage.replace('_', ' ')}") for stage in STAGES),
    *(_count(f"{stage}_minor", f"arrears of the contacts {stage.replace('_', ' ')}") for stage in STAGES),
    comment="Contact funnel per day of request, a row a shard.",
)

promise_count = sa.Table(
    "promise_count",
    metadata,
    _key("shard", sa.Integer, "partition"),
    _key("day", sa.Date, "date promised or judged"),
    _key("currency", sa.Text, "ISO 4217 code"),
    _count("made", "promises made that day"),
    _count("made_minor", "amount promised that day"),
    _count("kept", "promises judged kept that day"),
    _count("broken", "promises judged broken that day"),
    _count("judged_minor", "amount promised of those judged that day"),
    _count("paid_minor", "amount paid of it: never more than was promised"),
    comment="Promises per day, a row a shard.",
)
