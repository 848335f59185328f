"""The metrics over HTTP, as JSON or CSV, their catalogue, and the portfolio's totals. Read only."""

import csv
import io
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any, Final

from fastapi import APIRouter, Request, Response
from sqlalchemy import RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from services.reporting.metrics.catalogue import METRICS, metric_named
from services.reporting.metrics.definition import Column, Metric
from services.reporting.store import reading
from services.reporting.store.sql import Row
from shared.vocabulary.errors import Rejected
from shared.vocabulary.money import decimal_text, decimals

FORMATS: Final = ("json", "csv")


def build_router(engine: AsyncEngine) -> APIRouter:
    """The routes of reporting, on its own database."""
    router = APIRouter(tags=["reporting"])

    @router.get("/metrics-catalogue")
    async def catalogue() -> dict[str, Any]:
        """Every metric: its formula, parameters and columns."""
        return {"metrics": [described(metric) for metric in METRICS.values()]}

    @router.get("/metrics/{name}", response_model=None)
    async def metric(name: str, request: Request) -> Response | dict[str, Any]:
        """One metric over closed days: `from`, `to`, the filters of the metric, `format` (json or csv)."""
        wanted = metric_named(name)
        asked = asked_of(wanted, dict(request.query_params))
        async with engine.connect() as connection:
            period = await period_of(connection, wanted, asked)
            rows = await _rows(connection, wanted, period, asked)
        if format_of(asked, request.headers.get("accept", "")) == "csv":
            return Response(csv_of(wanted, rows), media_type="text/csv")
        return answer(wanted, period, asked, rows)

    @router.get("/portfolio")
    async def portfolio() -> dict[str, Any]:
        """Accounts, exposure and arrears per currency and bucket: at the last complete close, and now."""
        async with engine.connect() as connection:
            day = (await reading.closed_days(connection, None, None))[1]
            closed, now = await reading.portfolio(connection, day)
        return {"business_date": day, "closed": _totals(closed), "now": _totals(now)}

    return router


Period = tuple[date, date] | None
"""First and last day of an answer; None while no day is closed."""


def described(metric: Metric) -> dict[str, Any]:
    """A metric as the catalogue shows it."""
    return {
        "name": metric.name,
        "title": metric.title,
        "formula": metric.formula,
        "parameters": [*metric.parameters, "format"],
        "columns": [{"name": c.shown, "kind": c.kind, "meaning": c.meaning} for c in metric.columns],
        "read_by_bi": metric.view.name,
    }


def asked_of(metric: Metric, given: dict[str, str]) -> dict[str, str]:
    """The query's parameters, checked: Rejected names the first that the metric does not take."""
    known = (*metric.parameters, "format")
    for name in given:
        if name not in known:
            raise Rejected("unknown_parameter", f"{name}: {metric.name} takes {', '.join(known)}")
    if given.get("format", "json") not in FORMATS:
        raise Rejected("unknown_format", f"format: expected {' or '.join(FORMATS)}")
    if "currency" in given:
        decimals(given["currency"])
    return given


def format_of(asked: dict[str, str], accept: str) -> str:
    """json or csv: the parameter decides, else the Accept header."""
    return asked.get("format") or ("csv" if "text/csv" in accept else "json")


async def period_of(connection: AsyncConnection, metric: Metric, asked: dict[str, str]) -> Period:
    """The closed days an answer covers: those asked for, else all of them (or the last two month ends)."""
    from_day, to_day = _date(asked, "from"), _date(asked, "to")
    if from_day is not None and to_day is not None and from_day > to_day:
        raise Rejected("empty_period", "from: expected a date not after to")
    first, last, closed_by_from, closed_by_to = await reading.closed_days(connection, from_day, to_day)
    if last is None:
        return None
    if metric.month_ends and from_day is None and to_day is None:
        return await reading.last_month(connection) or (first, last)
    end = last if to_day is None else (closed_by_to or to_day)
    if metric.day is not None:
        return from_day or first, min(end, last)
    return closed_by_from or first, end


def _date(asked: dict[str, str], name: str) -> date | None:
    if name not in asked:
        return None
    try:
        return date.fromisoformat(asked[name])
    except ValueError:
        raise Rejected("malformed_date", f"{name}: expected a date such as 2026-01-31") from None


async def _rows(connection: AsyncConnection, metric: Metric, period: Period, asked: dict[str, str]) -> Sequence[Row]:
    if period is None:
        return ()
    filters = {name: asked.get(name) for name in metric.filters}
    found = await reading.metric_rows(connection, metric.name, *period, filters)
    currency = metric.keys.index("currency")
    return [
        tuple(_shown(column, value, row[currency]) for column, value in zip(metric.columns, row, strict=True))
        for row in found
    ]


def _shown(column: Column, value: Any, currency: str) -> Any:
    """A value as it leaves: money as a decimal text, a rate as a number of six places."""
    if column.kind == "money":
        return _amount(int(value or 0), currency)
    if isinstance(value, Decimal):
        return float(value) if column.kind == "rate" else int(value)
    return value


def _amount(minor: int, currency: str) -> str:
    """A contact of a case that owed nothing has no currency; its sums are 0."""
    return decimal_text(minor, currency) if currency else "0"


def answer(metric: Metric, period: Period, asked: dict[str, str], rows: Sequence[Row]) -> dict[str, Any]:
    """The JSON body."""
    names = [column.shown for column in metric.columns]
    from_day, to_day = period or (None, None)
    return {
        "metric": metric.name,
        "formula": metric.formula,
        "from": from_day,
        "to": to_day,
        **{name: asked.get(name) for name in metric.filters},
        "rows": [dict(zip(names, row, strict=True)) for row in rows],
    }


def csv_of(metric: Metric, rows: Sequence[Row]) -> str:
    """The same rows as CSV with a header line."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(column.shown for column in metric.columns)
    writer.writerows(rows)
    return text.getvalue()


def _totals(rows: Sequence[RowMapping]) -> list[dict[str, Any]]:
    money = ("balance", "exposure", "arrears")
    return [
        {
            **{key: row[key] for key in ("currency", "state", "bucket", "accounts")},
            **{f"{name}_amount": decimal_text(row[name], row["currency"]) for name in money},
        }
        for row in rows
    ]
