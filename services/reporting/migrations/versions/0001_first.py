"""The loop's tables, the star schema, its views and the reader's grants."""

from alembic import op

from services.reporting import tables, views
from shared.messaging import tables as messaging

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create them in the service's schema."""
    messaging.create(op.get_bind())
    tables.metadata.create_all(op.get_bind())
    views.create(op.get_bind())
