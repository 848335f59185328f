"""docs/reporting.md, made from the definitions of tables, views and metrics, so that it cannot drift from them."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql.base import PGDialect

from services.reporting.metrics.catalogue import METRICS, VIEWS
from services.reporting.metrics.definition import Metric, View
from services.reporting.tables import INTERNAL, metadata
from services.reporting.views import ACCOUNT_PERIOD, READER, REPAYMENT_APPLIED

FILE: Final = Path(__file__).parents[2] / "docs" / "reporting.md"

_DIALECT: Final = PGDialect()  # type: ignore[no-untyped-call]  # its constructor has no annotations

_HEAD: Final = f"""# Reporting: the store and its metrics

Made by `python -m services.reporting dictionary` from the definitions in `services/reporting`; do not edit.

## How BI connects

Connect to the database `arrears` as the role `{READER}`. It may read the tables, views and functions below in the
schema `reporting` and nothing else: it cannot write, cannot see another service's schema, and does not see names, phone
numbers or addresses, because the store does not hold any.

    psql "postgresql://{READER}:<password>@<host>:<port>/arrears"
    SELECT * FROM delinquency_daily WHERE threshold = 30 ORDER BY business_date DESC LIMIT 10;
    SELECT * FROM roll_matrix('2026-01-30', '2026-02-27');

What to know before adding anything up:

- Amounts end in `_minor`: integers of the currency's minor unit. Currencies are never added. Over HTTP the same columns
  end in `_amount` and hold a decimal text.
- Figures exist for **complete business dates** (`business_day`): every ingest shard has aged every partition to it.
  Dashboards should read the `daily_` and `monthly_` tables or the views over them: they do not grow with the portfolio.
- A closed day shows what was known when it closed. A correction that comes later shows from the next day on and
  changes no earlier one. The snapshot of any day d: `account_period` where `valid_from <= d AND d < valid_to`.
- `booked_on` of a fact is the first calendar day whose close counts it: the day after the last close before it came.
  `repayment_applied_by_day` has the business date instead.
- B, the balance of the metrics, is the exposure, or the arrears where no exposure is reported.
- An account that no status has come for counts as current with nothing owed, from its opening date on.
- A contact's stages count on the day it was requested, so the figures of a recent day still grow.

## Over HTTP

`GET /metrics/{{name}}?from=&to=&currency=&product=` answers in JSON, or in CSV with `Accept: text/csv` or `format=csv`.
Each answer has numerators, denominators and rates, in accounts and in money. `GET /metrics-catalogue` lists what
follows; `GET /portfolio` gives the totals at the last complete close and now.
"""


def text() -> str:
    """The whole document."""
    parts = [_HEAD, "## Metrics\n", *map(_metric, METRICS.values()), "## Views\n"]
    parts += [*map(_view, VIEWS), *map(_plain_view, (ACCOUNT_PERIOD, REPAYMENT_APPLIED)), "## Tables\n"]
    parts += [_table(table) for table in metadata.tables.values() if table.name not in INTERNAL]
    return "\n".join(parts)


def is_current() -> bool:
    """Whether the file says what the definitions say."""
    return FILE.exists() and FILE.read_text(encoding="utf-8") == text()


def _metric(metric: Metric) -> str:
    rows = ((f"`{c.shown}`", c.kind, c.meaning) for c in metric.columns)
    takes = ", ".join(f"`{name}`" for name in metric.parameters)
    return (
        f"### {metric.name}\n\n{metric.title}. {metric.formula}\n\n"
        f"Takes {takes}. Read by BI as `{metric.view.name}`.\n\n" + _grid(("column", "kind", "meaning"), rows)
    )


def _view(view: View) -> str:
    name = f"{view.name}({view.arguments})" if view.arguments else view.name
    rows = ((f"`{c.name}`", c.kind, c.meaning) for c in view.columns)
    return f"### {name}\n\n{view.meaning}\n\n" + _grid(("column", "kind", "meaning"), rows)


def _plain_view(view: View) -> str:
    return f"### {view.name}\n\n{view.meaning}\n"


def _table(table: sa.Table) -> str:
    rows = (
        (f"`{column.name}`", _type(column), "yes" if column.primary_key else "", column.comment or "")
        for column in table.columns
    )
    return f"### {table.name}\n\n{table.comment}\n\n" + _grid(("column", "type", "key", "meaning"), rows)


def _type(column: sa.Column[object]) -> str:
    return column.type.compile(dialect=_DIALECT).lower() + (" null" if column.nullable else "")


def _grid(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    return "\n".join(_lines(head, rows)) + "\n"


def _lines(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield "|" + " --- |" * len(head)
    for row in rows:
        yield f"| {' | '.join(row)} |"
