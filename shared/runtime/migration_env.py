"""Alembic's environment, the same for every service: the caller's connection, inside the caller's transaction."""

from alembic import context


def run() -> None:
    """Run the chain on the connection given in the configuration's attributes."""
    context.configure(connection=context.config.attributes["connection"], transaction_per_migration=False)
    with context.begin_transaction():
        context.run_migrations()
