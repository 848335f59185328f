"""Remember what came in over HTTP, so that the same request twice is published once."""

from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Create the table."""
    op.execute(
        """CREATE TABLE submission (
            idempotency_key text PRIMARY KEY, fingerprint bytea NOT NULL, last_seq bigint NOT NULL,
            results json NOT NULL, accepted_at timestamptz NOT NULL
        )"""
    )
    op.execute("CREATE INDEX submission_age ON submission (accepted_at)")
