"""Settled dead letters may go after a time, with their history; nothing else of either may."""

from alembic import op

from shared.messaging import migrations as messaging

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bind what is kept of a letter to it, and have the database refuse the rest."""
    messaging.letters_retention(op.get_bind())
