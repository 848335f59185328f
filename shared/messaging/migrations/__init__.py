"""How the loop's tables got into a service's schema: each step is called by one revision of every service.

Steps are frozen: whatever `tables` says by now, they do what they did on their day.
"""

from pathlib import Path
from typing import Final

import sqlalchemy as sa

from shared.runtime import migration_env

_FOLDER: Final = Path(__file__).parent


def first(connection: sa.Connection) -> None:
    """Create the tables; for a service's first revision."""
    migration_env.execute(connection, _FOLDER / "first.sql")


def letters_door(connection: sa.Connection) -> None:
    """Let dead letters be redriven and discarded, and shards be stopped and resumed."""
    migration_env.execute(connection, _FOLDER / "letters_door.sql")


def letters_retention(connection: sa.Connection) -> None:
    """Let settled dead letters go with their history, and have the database refuse the rest."""
    migration_env.execute(connection, _FOLDER / "letters_retention.sql")
