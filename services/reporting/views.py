"""The store's views, functions and comments, made from the definitions. They hold no data.

Apart from the tables because they are made from the metrics. A revision that changes one states the SQL that
`definitions` gives on its day; a test compares what revisions leave with what is defined.
"""

from collections.abc import Iterator
from typing import Final

import sqlalchemy as sa
from sqlalchemy.schema import SetColumnComment, SetTableComment

from services.reporting.metrics.catalogue import VIEWS
from services.reporting.metrics.definition import View
from services.reporting.tables import account_now, metadata

READER: Final = "bi"
"""The role of BI tools; it may read what is granted here and nothing else."""

_STATUS: Final = ", ".join(column.name for column in account_now.columns if column.name != "valid_from")
ACCOUNT_PERIOD: Final = View(
    "account_period",
    "Every status of every account: the one with valid_from <= d < valid_to held at the close of day d.",
    (),
    f"""SELECT {_STATUS}, valid_from, valid_to FROM account_past WHERE state <> 'new'
UNION ALL
SELECT {_STATUS}, valid_from, 'infinity' FROM account_now""",
)
REPAYMENT_APPLIED: Final = View(
    "repayment_applied_by_day",
    "Repayments applied, with the business date whose close counts them first.",
    (),
    """SELECT d.business_date, r.* FROM fact_repayment_applied AS r
JOIN business_day AS d ON r.booked_on <= d.business_date
     AND r.booked_on > coalesce(d.previous_date, '-infinity')""",
)
ALL: Final = (ACCOUNT_PERIOD, *VIEWS, REPAYMENT_APPLIED)

_SQL_TYPES: Final = {
    "date": "date", "text": "text", "flag": "boolean", "number": "integer", "count": "bigint", "money": "bigint",
    "rate": "numeric",
}  # fmt: skip


def definitions(dialect: sa.Dialect) -> Iterator[str]:
    """The statements that create every view and comment what there is."""
    yield from _views()
    yield from _comments(dialect)


def _views() -> Iterator[str]:
    for view in ALL:
        if view.arguments:
            returned = ", ".join(f"{column.name} {_SQL_TYPES[column.kind]}" for column in view.columns)
            # The names of the result are columns of the query too: those are meant.
            pragma = "#variable_conflict use_column\n" if view.language == "plpgsql" else ""
            yield (
                f"CREATE FUNCTION {view.name}({view.arguments}) RETURNS TABLE ({returned}) "
                f"LANGUAGE {view.language} STABLE AS $body$ {pragma}{view.sql} $body$"
            )
        else:
            yield f"CREATE VIEW {view.name} AS {view.sql}"


def _comments(dialect: sa.Dialect) -> Iterator[str]:
    for table in metadata.sorted_tables:
        yield str(SetTableComment(table).compile(dialect=dialect))
        for column in table.columns:
            yield str(SetColumnComment(column).compile(dialect=dialect))
    for view in ALL:
        kind = "FUNCTION" if view.arguments else "VIEW"
        meaning = view.meaning.replace("'", "''")
        yield f"COMMENT ON {kind} {view.name} IS '{meaning}'"
