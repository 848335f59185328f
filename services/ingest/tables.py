"""Ingest's tables: facts as they arrived, one folded row an account, and how far each shard is aged."""

from datetime import date, datetime
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY

metadata = sa.MetaData()

fact = sa.Table(
    "fact",
    metadata,
    sa.Column("account_id", sa.Text, primary_key=True),
    sa.Column("kind", sa.Text, primary_key=True),
    sa.Column("key", sa.Text, primary_key=True, comment="business key in the account: the deduplication"),
    sa.Column("arrival", sa.BigInteger, sa.Identity(always=True), nullable=False, comment="order of arrival"),
    sa.Column("body", sa.Text, nullable=False, comment="the fact's fields as a JSON array"),
    sa.Column("currency", sa.Text, comment="of the fact's amount, where it has one"),
    sa.Column("event_id", sa.Text, nullable=False),
    sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
)

account = sa.Table(
    "account",
    metadata,
    sa.Column("account_id", sa.Text, primary_key=True),
    sa.Column("shard", sa.Integer, nullable=False),
    sa.Column("folded", sa.Text, nullable=False, comment="the incremental ledger as JSON"),
    sa.Column("waiting", sa.Integer, nullable=False, comment="facts that came before the account was opened"),
    sa.Column("customer_id", sa.Text),
    sa.Column("product", sa.Text),
    sa.Column("currency", sa.Text),
    sa.Column("policy", sa.Text),
    sa.Column("state", sa.Text),
    sa.Column("bucket", sa.Text),
    sa.Column("arrears_minor", sa.BigInteger),
    sa.Column("exposure_minor", sa.BigInteger),
    sa.Column("version", sa.BigInteger, nullable=False),
    sa.Column("next_transition_on", sa.Date, comment="the first day on which it would change by itself"),
    sa.Index("account_next_transition", "shard", "next_transition_on"),
)

shard_day = sa.Table(
    "shard_day",
    metadata,
    sa.Column("shard", sa.Integer, primary_key=True),
    sa.Column("closed_to", sa.Date, nullable=False, comment="the last business date core banking closed"),
    sa.Column("aged_to", sa.Date, nullable=False, comment="the last date all accounts of the shard are aged to"),
    sa.Column("to_close", ARRAY(sa.Date), nullable=False, comment="closed dates not told as aged yet, ascending"),
)

Key = tuple[str, str, str]
"""account_id, kind, business key: what makes a fact the same fact."""


class FactRow(NamedTuple):
    """One fact as stored."""

    account_id: str
    kind: str
    key: str
    body: str
    currency: str | None
    event_id: str
    recorded_at: datetime


class AccountRow(NamedTuple):
    """One folded account as stored."""

    account_id: str
    shard: int
    folded: str
    waiting: int
    customer_id: str | None
    product: str | None
    currency: str | None
    policy: str | None
    state: str | None
    bucket: str | None
    arrears_minor: int | None
    exposure_minor: int | None
    version: int
    next_transition_on: date | None


class ShardDay(NamedTuple):
    """How far a shard is: what core banking has closed, what is aged."""

    closed_to: date
    aged_to: date
    to_close: tuple[date, ...]
