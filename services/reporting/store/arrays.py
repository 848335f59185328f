"""Set-based writes: a batch's rows go to the database as one array a column, never row by row."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

TEXT: Final = sa.Text()
DATE: Final = sa.Date()
INT: Final = sa.Integer()
BIG: Final = sa.BigInteger()
BOOL: Final = sa.Boolean()

Row = tuple[Any, ...]


class ArrayStatement:
    """One statement over rows; `{rows}` in its text stands for them as a table `n` with the given columns."""

    def __init__(self, columns: Mapping[str, Any], text: str, **parameters: Any) -> None:
        self._columns = tuple(columns)
        arrays = ", ".join(f":{name}" for name in columns)
        rows = f"unnest({arrays}) AS n ({', '.join(columns)})"
        binds = [sa.bindparam(name, type_=ARRAY(kind)) for name, kind in columns.items()]
        binds += [sa.bindparam(name, type_=kind) for name, kind in parameters.items()]
        self._statement = sa.text(text.replace("{rows}", rows)).bindparams(*binds)

    async def execute(self, connection: AsyncConnection, rows: Sequence[Row], **parameters: Any) -> None:
        """Run it over one row or more; each has the statement's columns in their order."""
        await connection.execute(self._statement, {**self._arrays(rows), **parameters})

    async def fetch(self, connection: AsyncConnection, rows: Sequence[Row], **parameters: Any) -> list[Row]:
        """The same, with the rows it returns."""
        found = await connection.execute(self._statement, {**self._arrays(rows), **parameters})
        return [tuple(row) for row in found]

    def _arrays(self, rows: Sequence[Row]) -> dict[str, list[Any]]:
        return {name: list(values) for name, values in zip(self._columns, zip(*rows, strict=True), strict=True)}
