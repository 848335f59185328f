"""Alembic's entry: the same environment for every service."""

from shared.runtime import migration_env

migration_env.run()
