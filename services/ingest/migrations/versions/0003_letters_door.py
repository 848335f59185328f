"""Dead letters get a state, a history and redrives; shards can be stopped and resumed."""

from alembic import op

from shared.messaging import migrations as messaging

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add what is missing."""
    messaging.letters_door(op.get_bind())
