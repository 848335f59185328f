"""The loop's tables and contact's own."""

from alembic import op

from services.contact import tables
from shared.messaging import tables as messaging

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create them in the service's schema."""
    messaging.create(op.get_bind())
    tables.create(op.get_bind())
