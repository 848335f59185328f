"""Create the messaging tables and the ledger's."""

from alembic import op

from services.ingest import tables
from shared.messaging import tables as messaging

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create everything."""
    messaging.create(op.get_bind())
    tables.metadata.create_all(op.get_bind())
    # Accounts are rewritten often: room on the page keeps updates off the index where the transition date stays.
    op.execute("ALTER TABLE account SET (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05)")
