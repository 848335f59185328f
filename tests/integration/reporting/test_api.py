"""The API's answers to what people ask, and to what they ask wrongly."""

import csv
import io

import pytest

from services.reporting.metrics.catalogue import METRICS
from tests.integration.reporting import story
from tests.integration.reporting.conftest import Reporting


@pytest.fixture
async def told(reporting: Reporting) -> Reporting:
    for day in story.DAYS:
        for partition, source, events in story.lanes(day):
            await reporting.take(events, partition=partition, source=source)
    return reporting


async def test_the_catalogue_describes_the_answers(told: Reporting) -> None:
    catalogue = (await told.http.get("/metrics-catalogue")).json()["metrics"]
    assert [metric["name"] for metric in catalogue] == list(METRICS)
    for metric in catalogue:
        rows = await told.metric(metric["name"])
        for row in rows:
            assert list(row) == [column["name"] for column in metric["columns"]]


async def test_before_any_day_is_closed_every_metric_is_empty(reporting: Reporting) -> None:
    for name in METRICS:
        answer = (await reporting.http.get(f"/metrics/{name}")).json()
        assert (answer["from"], answer["to"], answer["rows"]) == (None, None, [])


@pytest.mark.parametrize("asked", [{"headers": {"Accept": "text/csv"}}, {"params": {"format": "csv"}}])
async def test_csv_holds_the_same_rows(told: Reporting, asked: dict[str, dict[str, str]]) -> None:
    response = await told.http.get("/metrics/delinquency_rate", **asked)  # type: ignore[arg-type]  # a test's table
    assert response.headers["content-type"].startswith("text/csv")
    rows = await told.metric("delinquency_rate")
    read = list(csv.DictReader(io.StringIO(response.text)))
    assert [row["delinquent_amount"] for row in read] == [row["delinquent_amount"] for row in rows]
    assert len(rows) > 0


@pytest.mark.parametrize(
    ("path", "status", "title", "told_of"),
    [
        ("/metrics/profit", 404, "metric_not_found", "delinquency_rate"),
        ("/metrics/recovery?channel=sms", 422, "unknown_parameter", "from, to, currency, product, format"),
        ("/metrics/recovery?from=yesterday", 422, "malformed_date", "2026-01-31"),
        ("/metrics/recovery?from=2026-02-02&to=2026-02-01", 422, "empty_period", "not after to"),
        ("/metrics/recovery?currency=XXY", 422, "unknown_currency", "ISO 4217"),
        ("/metrics/recovery?format=xml", 422, "unknown_format", "json or csv"),
        ("/metrics/recovery?product=%00", 422, "unstorable_value", "cannot be stored"),
    ],
)
async def test_a_wrong_question_says_what_is_expected(
    told: Reporting, path: str, status: int, title: str, told_of: str
) -> None:
    response = await told.http.get(path)
    assert (response.status_code, response.json()["title"]) == (status, title)
    assert response.headers["content-type"] == "application/problem+json"
    assert told_of in response.json()["detail"]
