"""Tables, page and terminal are made of the figures alone."""

import re

from rich.console import Console

from deploy.local.demo import charts, page, tables, terminal
from deploy.local.demo.checks import check
from tests.unit.demo.fixtures import figures


def html(footer: str = "took 1 s") -> str:
    checks = [check("one", "5 things", []), check("two", "6 things", ["7 < 8"])]
    return page.page(figures(), [("facts", "10")], checks, [footer])


def test_month_ends_are_the_last_closed_days() -> None:
    table = tables.delinquency(figures(), "EUR")
    assert [row[0] for row in table.rows] == ["2025-01-31", "2025-02-28"]
    assert table.rows[1][:3] == ("2025-02-28", "200", "21.5 %")


def test_a_row_of_the_roll_matrix_adds_up_and_is_in_order_of_age() -> None:
    table = tables.roll_matrix(figures(), "EUR")
    assert table.columns[2:] == ("current", "1-29", "60-89")
    assert table.rows == (("current", "100", "90.0 %", "10.0 %", "·"), ("30-59", "4", "·", "·", "100.0 %"))


def test_a_month_resolves_from_its_first_opening() -> None:
    (row,) = tables.recovery(figures(), "EUR").rows
    assert row == ("2025-02", "100.00 EUR", "60.00 EUR", "80.00 EUR", "80.00 EUR", "50.0 %")


def test_channels_are_added_up() -> None:
    rows = {row[0]: row for row in tables.funnel(figures()).rows}
    assert rows["sms"][1:4] == ("15", "2", "13")


def test_money_is_grouped_and_exact() -> None:
    assert tables.money(123_456_789_01, "EUR") == "123,456,789.01 EUR"
    assert tables.percent(1, 0) == "–"


def test_the_page_is_the_same_but_for_its_footer() -> None:
    assert html("took 1 s") != html("took 2 s")
    assert html("took 1 s").partition("<footer")[0] == html("took 2 s").partition("<footer")[0]


def test_the_page_needs_nothing_from_elsewhere() -> None:
    text = html()
    assert not re.search(r"<script|<link|src=|@import|url\(|https?://", text)


def test_the_page_escapes_what_it_shows() -> None:
    text = html()
    assert "default.hours&lt;" in text
    assert "a &lt; b" in text
    assert "7 &lt; 8" in text
    assert "hours<" not in text


def test_every_chart_has_a_title_and_a_description_and_a_table_beside_it() -> None:
    text = html()
    count = text.count("<svg")
    assert count >= 4
    assert text.count("<title>") == count + 1
    assert text.count("<desc>") == count
    assert text.count("<table>") >= count


def test_a_chart_of_nothing_is_nothing() -> None:
    assert charts.line_chart("empty", {"1+": []}) == ""
    assert "<svg" in charts.bar_chart("empty", [])


def test_the_terminal_shows_every_table() -> None:
    console = Console(record=True, width=160)
    terminal.show_report(console, figures(), [("facts", "10")])
    shown = console.export_text()
    assert all(table.title in shown for table in tables.all_tables(figures()))


def test_a_sparkline_rises_with_its_points() -> None:
    assert terminal.sparkline([0.0, 0.5, 1.0]) == "▁▅█"
    assert len(terminal.sparkline([0.1] * 260)) <= terminal.POINTS
