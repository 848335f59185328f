"""Contact's tables. Personal data (names, numbers, addresses, message texts) lives here and nowhere downstream.

Migrations add the sequence `worker_id` and the trigger that keeps the archive of gate decisions as it is.
"""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

metadata = sa.MetaData()
INSTANT = sa.DateTime(timezone=True)

customer = sa.Table(
    "customer",
    metadata,
    sa.Column("customer_id", sa.Text, primary_key=True),
    sa.Column("revision", sa.BigInteger, comment="null: a contact was requested before core banking named them"),
    sa.Column("name", sa.Text, nullable=False, server_default=""),
    sa.Column("language", sa.Text, nullable=False, server_default=""),
    sa.Column("time_zone", sa.Text),
    sa.Column("region", sa.Text),
    sa.Column("endpoints", JSONB, nullable=False, server_default="[]", comment="[kind, value] in order of preference"),
)

consent = sa.Table(
    "consent",
    metadata,
    sa.Column("customer_id", sa.Text, primary_key=True),
    sa.Column("channel", sa.Text, primary_key=True),
    sa.Column("endpoint", sa.Text, primary_key=True, comment="normalised; empty: the whole channel"),
    sa.Column("given", sa.Boolean, nullable=False),
    sa.Column("effective_at", INSTANT, nullable=False),
)

hold = sa.Table(
    "hold",
    metadata,
    sa.Column("hold_id", sa.Text, primary_key=True),
    sa.Column("customer_id", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("until_on", sa.Date),
    sa.Column("released", sa.Boolean, nullable=False),
)
sa.Index("hold_standing", hold.c.customer_id, postgresql_where=sa.text("NOT released"))

promise = sa.Table(
    "promise",
    metadata,
    sa.Column("promise_id", sa.Text, primary_key=True),
    sa.Column("customer_id", sa.Text, nullable=False),
    sa.Column("case_id", sa.Text, nullable=False),
    sa.Column("contact_id", sa.Text, nullable=False),
    sa.Column("amount_minor", sa.BigInteger, nullable=False),
    sa.Column("currency", sa.Text, nullable=False),
    sa.Column("due_on", sa.Date, nullable=False),
    sa.Column("made_at", INSTANT, nullable=False),
    sa.Column("open", sa.Boolean, nullable=False, comment="strategy judges promises; until then they are open"),
)
sa.Index("promise_open", promise.c.customer_id, postgresql_where=sa.text("open"))

balance = sa.Table(
    "balance",
    metadata,
    sa.Column("account_id", sa.Text, primary_key=True),
    sa.Column("customer_id", sa.Text, nullable=False),
    sa.Column("version", sa.BigInteger, nullable=False),
    sa.Column("arrears_minor", sa.BigInteger, nullable=False),
    sa.Column("currency", sa.Text, nullable=False),
    comment="accounts that owe or once owed; one never in arrears has no row",
)
sa.Index("balance_customer", balance.c.customer_id)

contact = sa.Table(
    "contact",
    metadata,
    sa.Column("contact_id", sa.Text, primary_key=True),
    sa.Column("customer_id", sa.Text, nullable=False),
    sa.Column("case_id", sa.Text, nullable=False),
    sa.Column("treatment_id", sa.Text, nullable=False),
    sa.Column("channel", sa.Text, nullable=False),
    sa.Column("template", sa.Text, nullable=False),
    sa.Column("purpose", sa.Text, nullable=False),
    sa.Column("accounts", JSONB, nullable=False, comment="[account id, status version or null]"),
    sa.Column("days_past_due", sa.Integer, nullable=False),
    sa.Column("priority", sa.Integer, nullable=False),
    sa.Column("requested_at", INSTANT, nullable=False),
    sa.Column("expires_at", INSTANT, nullable=False),
    sa.Column(
        "state",
        sa.Text,
        nullable=False,
        comment="planned, pending, unknown, sent, delivered, failed, suppressed, withdrawn, expired",
    ),
    sa.Column("due_at", INSTANT, nullable=False, comment="when to ask the gate again"),
    sa.Column("awaiting", sa.Boolean, nullable=False, comment="due at once when more is learned of the customer"),
    sa.Column("reason", sa.Text, comment="why it failed or was not sent"),
)
sa.Index("contact_customer", contact.c.customer_id)
sa.Index("contact_due", contact.c.due_at, contact.c.contact_id, postgresql_where=sa.text("state = 'planned'"))
sa.Index("contact_awaiting", contact.c.customer_id, postgresql_where=sa.text("awaiting AND state = 'planned'"))
sa.Index(
    "contact_call_queue",
    contact.c.priority.desc(),
    contact.c.due_at,
    contact.c.contact_id,
    postgresql_where=sa.text("state = 'planned' AND channel = 'call'"),
)

attempt = sa.Table(
    "attempt",
    metadata,
    sa.Column("attempt_id", sa.Text, primary_key=True, comment="also the provider's idempotency token"),
    sa.Column("contact_id", sa.Text, nullable=False),
    sa.Column("customer_id", sa.Text, nullable=False),
    sa.Column("channel", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False, comment="pending, not_sent, unknown, sent, failed, delivered"),
    sa.Column("at", INSTANT, nullable=False),
    sa.Column("worker", sa.BigInteger, comment="the process that sends it; null for a call"),
    sa.Column(
        "sends",
        sa.Integer,
        nullable=False,
        comment="how often it was handed over; more than 1 only after proof that it never arrived",
    ),
    sa.Column("endpoint", sa.Text, nullable=False),
    sa.Column("subject", sa.Text, nullable=False),
    sa.Column("body", sa.Text, nullable=False),
    sa.Column("provider_id", sa.Text),
    sa.Column("outcome", sa.Text, comment="how a call ended"),
    sa.Column("reason", sa.Text),
)
sa.Index("attempt_customer", attempt.c.customer_id, attempt.c.at)
sa.Index("attempt_contact", attempt.c.contact_id)
sa.Index("attempt_open", attempt.c.state, attempt.c.worker, postgresql_where=sa.text("state IN ('pending', 'unknown')"))

call_task = sa.Table(
    "call_task",
    metadata,
    sa.Column("contact_id", sa.Text, primary_key=True),
    sa.Column("leases", sa.Integer, nullable=False),
    sa.Column("attempt_id", sa.Text),
    sa.Column("collector", sa.Text),
    sa.Column("leased_until", INSTANT),
    sa.Column("report", JSONB, comment="the outcome as reported; a repeat must be equal"),
    sa.Column("answer", JSONB, comment="what the report was answered with"),
)
sa.Index("call_task_leased", call_task.c.leased_until, postgresql_where=sa.text("leased_until IS NOT NULL"))

gate_decision = sa.Table(
    "gate_decision",
    metadata,
    sa.Column("decision_id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
    sa.Column("contact_id", sa.Text, nullable=False),
    sa.Column("customer_id", sa.Text, nullable=False),
    sa.Column("moment", sa.Text, nullable=False, comment="enqueue, dispatch or lease"),
    sa.Column("decided_at", INSTANT, nullable=False),
    sa.Column("recorded_at", INSTANT, nullable=False, server_default=sa.text("clock_timestamp()")),
    sa.Column("conclusion", sa.Text, nullable=False),
    sa.Column("rule", sa.Text),
    sa.Column("reason", sa.Text),
    sa.Column("until", INSTANT),
    sa.Column("pack", sa.Text, nullable=False),
    sa.Column("pack_hash", sa.Text, nullable=False),
    sa.Column("verdicts", JSONB, nullable=False, comment="every rule's answer with the inputs it saw"),
    comment="append-only: a trigger refuses UPDATE, DELETE and TRUNCATE",
)
sa.Index("gate_decision_contact", gate_decision.c.contact_id)
