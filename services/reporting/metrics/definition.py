"""What a metric is made of: a view of additive counts and sums, and how to add and divide them."""

from dataclasses import dataclass, replace
from typing import Final, Literal

Kind = Literal["date", "text", "flag", "number", "count", "money", "rate"]

PERIOD: Final = ("from", "to")
"""Parameters of every metric: the first and the last closed day."""


@dataclass(frozen=True)
class Column:
    """One column; `sql` says how a view's rows add up to it, by default their sum."""

    name: str
    kind: Kind
    meaning: str
    sql: str = ""

    @property
    def shown(self) -> str:
        """Its name outside the database: money leaves as a decimal amount, not in minor units."""
        return self.name.removesuffix("_minor") + "_amount" if self.kind == "money" else self.name

    @property
    def added(self) -> str:
        """The SQL that adds it up."""
        return self.sql or f"sum({self.name})"

    def named(self, name: str) -> "Column":
        """The same column under another name."""
        return replace(self, name=name)


@dataclass(frozen=True)
class View:
    """A view or set-returning function BI may read; `sql` is its body, `arguments` those of a function."""

    name: str
    meaning: str
    columns: tuple[Column, ...]
    sql: str
    arguments: str = ""
    language: str = "sql"


@dataclass(frozen=True)
class Rate:
    """A quotient of two columns, empty where the denominator is 0."""

    name: str
    numerator: str
    denominator: str


@dataclass(frozen=True)
class Metric:
    """One metric: `keys` tell its rows apart, `measures` are added, `rates` divided, `filters` narrow it.

    `day` is the column the period selects by; without one, `view` is a function of the period's two days.
    `month_ends` metrics take the last two month ends where the period is not given.
    """

    name: str
    title: str
    formula: str
    view: View
    keys: tuple[str, ...]
    measures: tuple[Column, ...]
    rates: tuple[Rate, ...] = ()
    day: str | None = "business_date"
    filters: tuple[str, ...] = ("currency", "product")
    order: tuple[str, ...] = ()
    month_ends: bool = False

    @property
    def parameters(self) -> tuple[str, ...]:
        """Names of the query parameters it takes."""
        return PERIOD + self.filters

    @property
    def columns(self) -> tuple[Column, ...]:
        """The columns of an answer, in order."""
        known = {column.name: column for column in self.view.columns}
        quotients = (Column(rate.name, "rate", f"{rate.numerator} / {rate.denominator}") for rate in self.rates)
        return (*(known[key] for key in self.keys), *self.measures, *quotients)


def query(metric: Metric) -> str:
    """The statement that answers a metric; parameters `from_day`, `to_day` and one a filter (null: not narrowed)."""
    keys, order = ", ".join(metric.keys), ", ".join(metric.order or metric.keys)
    hidden = [name for name in metric.order if name not in metric.keys]
    measures = ", ".join(f"{column.added} AS {column.name}" for column in metric.measures)
    shown = ", ".join([*metric.keys, *(column.name for column in metric.measures), *map(_quotient, metric.rates)])
    source = f"{metric.view.name}(:from_day, :to_day)" if metric.day is None else metric.view.name
    narrowed = [f"(:{name} IS NULL OR {name} = :{name})" for name in metric.filters]
    if metric.day is not None:
        narrowed.insert(0, f"{metric.day} BETWEEN :from_day AND :to_day")
    return f"""SELECT {shown}
FROM (SELECT {", ".join([keys, *hidden])}, {measures} FROM {source}
      WHERE {" AND ".join(narrowed)}
      GROUP BY {", ".join([keys, *hidden])}) AS added
ORDER BY {order}"""


def _quotient(rate: Rate) -> str:
    return f"round({rate.numerator}::numeric / nullif({rate.denominator}, 0), 6) AS {rate.name}"


BUSINESS_DATE: Final = Column("business_date", "date", "closed day")
CURRENCY: Final = Column("currency", "text", "ISO 4217 code; currencies are never added")
PRODUCT: Final = Column("product", "text", "product name")
