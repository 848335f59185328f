"""Ingest's tables: facts as they arrived, one folded row an account, what was told of it, how far each shard is aged,
policies by version, re-assessments under way, and what came in over HTTP.

Facts, statuses, policy versions and activations are only ever inserted; the database itself refuses anything else.
"""

from datetime import date, datetime
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

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
    sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False, comment="when core banking recorded it"),
    sa.Column("known_at", sa.DateTime(timezone=True), nullable=False, comment="when it was taken in here"),
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
    sa.Column("packs", sa.Text, nullable=False, comment="names and versions of the packs it was folded by"),
    sa.Column("next_transition_on", sa.Date, comment="the first day on which it would change by itself"),
    sa.Index("account_next_transition", "shard", "next_transition_on"),
)

shard_day = sa.Table(
    "shard_day",
    metadata,
    sa.Column("shard", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("closed_to", sa.Date, nullable=False, comment="the last business date core banking closed"),
    sa.Column("aged_to", sa.Date, nullable=False, comment="the last date all accounts of the shard are aged to"),
    sa.Column("to_close", ARRAY(sa.Date), nullable=False, comment="closed dates not told as aged yet, ascending"),
)

status = sa.Table(
    "status",
    metadata,
    sa.Column("account_id", sa.Text, primary_key=True),
    sa.Column("version", sa.BigInteger, primary_key=True),
    sa.Column("told_at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("event_id", sa.Text, nullable=False, comment="of the event that told it"),
    sa.Column("body", sa.Text, nullable=False, comment="the status as a JSON array"),
)

packs_until = sa.Table(
    "packs_until",
    metadata,
    sa.Column("account_id", sa.Text, primary_key=True),
    sa.Column("until_at", sa.DateTime(timezone=True), primary_key=True, comment="when others took their place"),
    sa.Column("packs", sa.Text, nullable=False),
)

policy_version = sa.Table(
    "policy_version",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True),
    sa.Column("document", JSONB, nullable=False, comment="the pack as written"),
    sa.Column("drafted_by", sa.Text, nullable=False),
    sa.Column("drafted_at", sa.DateTime(timezone=True), nullable=False),
)

policy_activation = sa.Table(
    "policy_activation",
    metadata,
    sa.Column("activation", sa.BigInteger, sa.Identity(always=True), primary_key=True, comment="in order of commit"),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("activated_by", sa.Text, nullable=False),
    sa.Column("activated_at", sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(["name", "version"], ["policy_version.name", "policy_version.version"]),
)

job = sa.Table(
    "job",
    metadata,
    sa.Column("job_id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
    sa.Column("kind", sa.Text, nullable=False, comment="activation or replay"),
    sa.Column("policy", sa.Text, comment="the pack whose accounts are re-assessed"),
    sa.Column("policy_version", sa.Integer),
    sa.Column("asked_by", sa.Text, nullable=False),
    sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
)

job_shard = sa.Table(
    "job_shard",
    metadata,
    sa.Column("job_id", sa.BigInteger, sa.ForeignKey(job.c.job_id), primary_key=True),
    sa.Column("shard", sa.Integer, primary_key=True),
    sa.Column("total", sa.BigInteger, nullable=False, comment="accounts to look at"),
    sa.Column("done", sa.BigInteger, nullable=False),
    sa.Column("changed", sa.BigInteger, nullable=False, comment="accounts of which something was published"),
    sa.Column("errors", sa.BigInteger, nullable=False, comment="accounts that could not be re-assessed"),
    sa.Column("after_account_id", sa.Text, nullable=False, comment="how far the shard is"),
    sa.Column("started_at", sa.DateTime(timezone=True)),
    sa.Column("moved_at", sa.DateTime(timezone=True)),
    sa.Column("finished_at", sa.DateTime(timezone=True)),
    sa.Index("job_shard_unfinished", "shard", "job_id", postgresql_where=sa.text("finished_at IS NULL")),
)

job_account = sa.Table(
    "job_account",
    metadata,
    sa.Column("job_id", sa.BigInteger, sa.ForeignKey(job.c.job_id), primary_key=True),
    sa.Column("account_id", sa.Text, primary_key=True, comment="to be made anew by a replay"),
)

submission = sa.Table(
    "submission",
    metadata,
    sa.Column("idempotency_key", sa.Text, primary_key=True),
    sa.Column("fingerprint", sa.LargeBinary, nullable=False, comment="of the whole request"),
    sa.Column("last_seq", sa.BigInteger, nullable=False, comment="its last record in the command shard's outbox"),
    sa.Column("results", sa.JSON, nullable=False, comment="what was answered, event by event"),
    sa.Column("accepted_at", sa.DateTime(timezone=True), nullable=False),
    sa.Index("submission_age", "accepted_at"),
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


class Submission(NamedTuple):
    """One request of the HTTP door as stored."""

    idempotency_key: str
    fingerprint: bytes
    last_seq: int
    results: list[dict[str, Any]]


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
    packs: str
    next_transition_on: date | None


class Status(NamedTuple):
    """One status as told."""

    account_id: str
    version: int
    event_id: str
    body: str


class ShardDay(NamedTuple):
    """How far a shard is: what core banking has closed, what is aged."""

    closed_to: date
    aged_to: date
    to_close: tuple[date, ...]


class Standing(NamedTuple):
    """What a transaction of a shard has to know of the service besides its accounts."""

    day: ShardDay | None
    activation: int
    """The last activation of a policy; 0 where none was ever activated. It stands for all policies in force."""
    job_id: int | None
    """The oldest re-assessment the shard has not finished."""


class Loaded(NamedTuple):
    """One account as folded and stored."""

    folded: str
    currency: str | None
    packs: str


class JobShard(NamedTuple):
    """A shard's part of a re-assessment; without a policy it is of listed accounts."""

    job_id: int
    kind: str
    policy: str | None
    after_account_id: str


class Moved(NamedTuple):
    """What one chunk of a re-assessment did."""

    done: int
    changed: int
    errors: int
    last: str | None
    """The last account looked at."""
    finished: bool
