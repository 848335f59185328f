"""The loop's tables and strategy's own."""

from alembic import op

from services.strategy import tables
from shared.messaging import tables as messaging

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create them in the service's schema."""
    messaging.create(op.get_bind())
    tables.metadata.create_all(op.get_bind())
