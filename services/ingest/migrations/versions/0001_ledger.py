"""Create the messaging tables and the ledger's."""

from alembic import op

from shared.messaging import migrations as messaging

revision = "0001"
down_revision = None

CREATE = (
    """CREATE TABLE fact (
        account_id text, kind text, key text,
        arrival bigint GENERATED ALWAYS AS IDENTITY, body text NOT NULL, currency text, event_id text NOT NULL,
        recorded_at timestamptz NOT NULL,
        PRIMARY KEY (account_id, kind, key)
    )""",
    """CREATE TABLE account (
        account_id text PRIMARY KEY, shard integer NOT NULL, folded text NOT NULL, waiting integer NOT NULL,
        customer_id text, product text, currency text, policy text, state text, bucket text,
        arrears_minor bigint, exposure_minor bigint, version bigint NOT NULL, next_transition_on date
    )""",
    "CREATE INDEX account_next_transition ON account (shard, next_transition_on)",
    # Accounts are rewritten often: room on the page keeps updates off the index where the transition date stays.
    "ALTER TABLE account SET (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05)",
    """CREATE TABLE shard_day (
        shard integer PRIMARY KEY, closed_to date NOT NULL, aged_to date NOT NULL, to_close date[] NOT NULL
    )""",
)


def upgrade() -> None:
    """Create everything."""
    messaging.first(op.get_bind())
    for statement in CREATE:
        op.execute(statement)
