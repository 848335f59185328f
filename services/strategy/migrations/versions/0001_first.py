"""The loop's tables and strategy's own."""

from pathlib import Path

from alembic import op

from shared.messaging import migrations as messaging
from shared.runtime import migration_env

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create them in the service's schema."""
    messaging.first(op.get_bind())
    migration_env.execute(op.get_bind(), Path(__file__).with_suffix(".sql"))
