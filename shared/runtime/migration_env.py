"""Alembic's environment, the same for every service: the caller's connection, inside the caller's transaction.

What a revision does is frozen in a file of SQL. Made from tables.py it would change with it, and a new schema would
not be what an upgraded one is.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import sqlalchemy as sa
from alembic import context

_STATEMENT: Final = re.compile(
    r"""(?: --[^\n]*                    # a comment, which may hold what follows
          | \$(?P<tag>\w*)\$.*?\$(?P=tag)\$  # the body of a function
          | '[^']*'                     # a text
          | [^;]                        # anything else, up to the end of the statement
        )+""",
    re.DOTALL | re.VERBOSE,
)


def run() -> None:
    """Run the chain on the connection given in the configuration's attributes."""
    context.configure(connection=context.config.attributes["connection"], transaction_per_migration=False)
    with context.begin_transaction():
        context.run_migrations()


def execute(connection: sa.Connection, file: Path) -> None:
    """The statements of a file, one by one, each of which ends with a semicolon."""
    for statement in statements(file.read_text(encoding="utf-8")):
        connection.exec_driver_sql(statement)


def statements(sql: str) -> Iterator[str]:
    """Split where a semicolon is not part of a text, of a function's body or of a comment."""
    for found in _STATEMENT.finditer(sql):
        if statement := found.group().strip():
            yield statement
