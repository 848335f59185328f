"""Statements over a batch's rows: they go to the database as one array a column, never row by row.

The texts are complete when the service starts and go to the driver as they are, and so do the values.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import count
from typing import Any, Final

from sqlalchemy import CursorResult
from sqlalchemy.ext.asyncio import AsyncConnection

TEXT: Final = "text"
TEXTS: Final = "text[]"
DATE: Final = "date"
INT: Final = "integer"
BIG: Final = "bigint"
BOOL: Final = "boolean"

Row = tuple[Any, ...]
Columns = Mapping[str, str]
"""Name of a column -> its type."""


class Statement:
    """One statement over rows of several kinds and single values, all named in braces in its text.

    A kind of rows stands there as a table of its name with the given columns; a single value as itself.
    """

    def __init__(self, kinds: Mapping[str, Columns], text: str, **values: str) -> None:
        self._widths = {name: len(columns) for name, columns in kinds.items()}
        self._values = tuple(values)
        places = (f"${number}" for number in count(1))
        named = {name: _table(name, columns, places) for name, columns in kinds.items()}
        named |= {name: f"{next(places)}::{kind}" for name, kind in values.items()}
        self._text = text.format_map(named)

    async def execute(
        self, connection: AsyncConnection, rows: Mapping[str, Collection[Row]], **values: Any
    ) -> CursorResult[*tuple[Any, ...]]:
        """Run it; rows have their kind's columns in their order, and a kind without rows is an empty table."""
        arrays = [column for name, width in self._widths.items() for column in _arrays(rows.get(name), width)]
        return await connection.exec_driver_sql(self._text, (*arrays, *(values[name] for name in self._values)))


def _table(name: str, columns: Columns, places: Iterator[str]) -> str:
    arrays = ", ".join(f"{next(places)}::{kind}[]" for kind in columns.values())
    return f"unnest({arrays}) AS {name} ({', '.join(columns)})"


def _arrays(rows: Collection[Row] | None, width: int) -> Sequence[list[Any] | None]:
    """One a column; without rows they are null, which the driver writes at once and which unnest takes for empty."""
    return [list(column) for column in zip(*rows, strict=True)] if rows else (None,) * width
