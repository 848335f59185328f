"""How this service's statements take many rows at once: as one JSON array, or as one array a column."""

from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY

TEXTS: Final = ARRAY(sa.Text)
BIGS: Final = ARRAY(sa.BigInteger)
INSTANT: Final = sa.DateTime(timezone=True)


def statement(sql: str, **types: Any) -> sa.TextClause:
    """The statement with the types of its parameters; `rows` is a JSON array unless said otherwise."""
    text = sa.text(sql)
    if ":rows)" in sql:
        types.setdefault("rows", sa.JSON)
    return text.bindparams(*(sa.bindparam(name, type_=kind) for name, kind in types.items()))
