"""The days figures exist for, accounts, customers, and the status of each account over time."""

from typing import Any

import sqlalchemy as sa

from services.reporting.tables.columns import key, may, metadata, minor, must

business_day = sa.Table(
    "business_day",
    metadata,
    key("business_date", sa.Date, "a closed day that is complete: every ingest shard has aged every partition to it"),
    may("previous_date", sa.Date, "the complete day before it; null for the first"),
    comment="The days figures exist for.",
)
day_aged = sa.Table(
    "day_aged",
    metadata,
    key("business_date", sa.Date, "the day"),
    key("shard", sa.Integer, "partition of delinquency.status"),
    key("source_shard", sa.Integer, "ingest shard that has aged its accounts to the day"),
    must("source_shards", sa.Integer, "how many ingest shards there are"),
    comment="Which ingest shard has closed which day on which partition.",
)
dim_account = sa.Table(
    "dim_account",
    metadata,
    key("account_id", sa.Text, "core banking's id"),
    must("customer_id", sa.Text, "owner"),
    must("product", sa.Text, "product name"),
    must("currency", sa.Text, "ISO 4217 code of every amount of the account"),
    must("policy", sa.Text, "policy pack by which the account ages"),
    must("opened_on", sa.Date, "opening date"),
    must("opened_month", sa.Date, "first day of the opening month: the vintage"),
    may("credit_minor", sa.BigInteger, "credit limit or principal"),
    may("branch", sa.Text, "branch, where told"),
    may("region", sa.Text, "region, where told"),
    comment="One row an account opened.",
)
dim_customer = sa.Table(
    "dim_customer",
    metadata,
    key("customer_id", sa.Text, "core banking's id"),
    must("revision", sa.BigInteger, "revision of the row; the highest wins"),
    must("language", sa.Text, "language the customer is addressed in"),
    may("region", sa.Text, "region, where told"),
    may("time_zone", sa.Text, "time zone, where told"),
    comment="One row a customer. No names and no contact points: those stay with the contact service.",
)


def _status(name: str, comment: str, *more: Any, **options: Any) -> sa.Table:
    return sa.Table(
        name,
        metadata,
        key("account_id", sa.Text, "account"),
        *more,
        must("customer_id", sa.Text, "owner"),
        must("product", sa.Text, "product name"),
        must("currency", sa.Text, "ISO 4217 code"),
        must("version", sa.BigInteger, "version of the status, counted per account"),
        must("as_of", sa.Date, "date ingest assessed the account for"),
        must("days_past_due", sa.Integer, "days past due at as_of"),
        must("bucket", sa.Text, "bucket of the account's policy"),
        must("days_from", sa.Integer, "first day past due of the bucket; 30+ means days_from >= 30"),
        must("state", sa.Text, "open, written-off or closed; new before the first status"),
        must("delinquent", sa.Boolean, "counts as delinquent under the policy's materiality test"),
        minor("exposure_minor", "total exposure as reported"),
        minor("arrears_minor", "due and unpaid"),
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
    must("valid_from", sa.Date, "first day whose close counts it; 1900-01-01 before the first close"),
    postgresql_with={"fillfactor": 70},
)
account_past = _status(
    "account_past",
    "Every status that held at the close of some day and no longer does; rows are only inserted.",
    key("valid_from", sa.Date, "first day whose close counted it"),
    must("valid_to", sa.Date, "first day whose close no longer did"),
    sa.Index("account_past_by_end", "valid_to"),
)
