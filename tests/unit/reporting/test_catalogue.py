"""The definitions hold together: each metric reads what its view has and says what each column means."""

import pytest

from services.reporting.api import asked_of, csv_of, described, format_of
from services.reporting.dictionary import is_current, text
from services.reporting.metrics.catalogue import METRICS, VIEWS, metric_named
from services.reporting.metrics.definition import Metric, query
from services.reporting.tables import metadata
from shared.vocabulary.errors import Rejected

NAMED = pytest.mark.parametrize("metric", METRICS.values(), ids=METRICS)


def test_the_dictionary_is_current() -> None:
    assert is_current(), "run: python -m services.reporting dictionary"


def test_every_table_and_column_says_what_it_is() -> None:
    assert [t.name for t in metadata.tables.values() if not t.comment] == []
    assert [str(c) for t in metadata.tables.values() for c in t.columns if not c.comment] == []


@NAMED
def test_a_metric_reads_a_view_that_exists(metric: Metric) -> None:
    columns = {column.name for column in metric.view.columns}
    assert metric.view in VIEWS
    assert {*metric.keys, *metric.filters, *metric.order} <= columns
    assert metric.day is None or metric.day in columns
    assert "currency" in metric.keys, "currencies are never added"


@NAMED
def test_a_rate_has_both_its_sides_in_the_answer(metric: Metric) -> None:
    shown = {column.name for column in metric.columns}
    assert all({rate.numerator, rate.denominator} <= shown for rate in metric.rates)


@NAMED
def test_columns_are_named_once_and_explained(metric: Metric) -> None:
    names = [column["name"] for column in described(metric)["columns"]]
    assert len(names) == len(set(names))
    assert all(column.meaning for column in metric.columns)
    assert f"### {metric.name}\n" in text()


@NAMED
def test_money_is_published_beside_every_rate_of_accounts(metric: Metric) -> None:
    counted = [rate.name for rate in metric.rates if rate.name.endswith("_accounts")]
    assert {name.replace("_accounts", "_amount") for name in counted} <= {rate.name for rate in metric.rates}


def test_a_query_adds_before_it_divides() -> None:
    assert query(METRICS["delinquency_rate"]).splitlines() == [
        "SELECT business_date, currency, threshold, delinquent_accounts, accounts, delinquent_minor, balance_minor, "
        "round(delinquent_accounts::numeric / nullif(accounts, 0), 6) AS rate_accounts, "
        "round(delinquent_minor::numeric / nullif(balance_minor, 0), 6) AS rate_amount",
        "FROM (SELECT business_date, currency, threshold, sum(delinquent_accounts) AS delinquent_accounts, "
        "sum(accounts) AS accounts, sum(delinquent_minor) AS delinquent_minor, sum(balance_minor) AS balance_minor "
        "FROM delinquency_daily",
        "      WHERE business_date BETWEEN :from_day AND :to_day AND (:currency IS NULL OR currency = :currency) "
        "AND (:product IS NULL OR product = :product)",
        "      GROUP BY business_date, currency, threshold) AS added",
        "ORDER BY business_date, currency, threshold",
    ]


def test_an_unknown_metric_is_told_which_there_are() -> None:
    with pytest.raises(Rejected, match="delinquency_rate, portfolio, roll_matrix"):
        metric_named("profit")


def test_an_unknown_parameter_is_told_which_there_are() -> None:
    with pytest.raises(Rejected, match="channel: recovery takes from, to, currency, product, format"):
        asked_of(METRICS["recovery"], {"channel": "sms"})


@pytest.mark.parametrize(
    ("asked", "accept", "expected"),
    [
        ({}, "*/*", "json"),
        ({}, "text/csv", "csv"),
        ({"format": "json"}, "text/csv", "json"),
        ({"format": "csv"}, "application/json", "csv"),
    ],
)
def test_the_format_parameter_decides_over_the_accept_header(asked: dict[str, str], accept: str, expected: str) -> None:
    assert format_of(asked, accept) == expected


def test_csv_has_a_header_and_quotes_what_needs_it() -> None:
    rows = [("2026-01-20", "EUR", 'a "b", c', None)]
    metric = METRICS["promises_kept"]
    head, line, *rest = csv_of(metric, rows).splitlines()
    assert head.startswith("day,currency,made,kept,broken")
    assert line == '2026-01-20,EUR,"a ""b"", c",'
    assert rest == []
