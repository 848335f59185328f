"""The store's views, functions, comments and grants, made from the definitions. They hold no data.

Apart from the tables because a revision that changes one drops and creates them all from the definitions of its day.
"""

from collections.abc import Iterator
from typing import Final

import sqlalchemy as sa
from sqlalchemy.schema import SetColumnComment, SetTableComment

from services.reporting.metrics.catalogue import VIEWS
from services.reporting.metrics.definition import View
from services.reporting.tables import INTERNAL, account_now, metadata

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


def create(connection: sa.Connection) -> None:
    """Create every view, comment what there is, and let the reader in where that role exists."""
    for statement in (*_views(), *_comments(connection.dialect), *_grants(connection)):
        connection.exec_driver_sql(statement)


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


def _grants(connection: sa.Connection) -> Iterator[str]:
    """Table by table: the loop's own tables hold payloads, which are nobody's business outside the service."""
    there = connection.execute(sa.text("SELECT 1 FROM pg_roles WHERE rolname = :role"), {"role": READER}).first()
    if there is None:
        return
    schema = connection.execute(sa.text("SELECT quote_ident(current_schema())")).scalar_one()
    yield f"REVOKE ALL ON ALL TABLES IN SCHEMA {schema} FROM {READER}"
    shown = [table.name for table in metadata.sorted_tables if table.name not in INTERNAL]
    shown += [view.name for view in ALL if not view.arguments]
    yield f"GRANT SELECT ON {', '.join(shown)} TO {READER}"
    yield f"GRANT USAGE ON SCHEMA {schema} TO {READER}"
