"""Money keeps every minor unit and refuses whatever would need rounding or guessing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.vocabulary.errors import Rejected
from shared.vocabulary.money import AMOUNT_MINOR_MAX, Money, decimal_text, decimals, minor_units

CURRENCIES = st.sampled_from(["EUR", "JPY", "KWD", "USD", "CLP", "BHD"])


@pytest.mark.parametrize(
    ("amount", "currency", "minor"),
    [
        ("120.50", "EUR", 12_050),
        ("120.5", "EUR", 12_050),
        ("120", "EUR", 12_000),
        ("0.01", "EUR", 1),
        ("-0.01", "EUR", -1),
        ("-0.00", "EUR", 0),
        ("007", "EUR", 700),
        ("120", "JPY", 120),
        ("1.234", "KWD", 1_234),
        ("1.2", "KWD", 1_200),
        ("10000000000000", "EUR", AMOUNT_MINOR_MAX),
    ],
)
def test_a_decimal_string_as_minor_units(amount: str, currency: str, minor: int) -> None:
    assert minor_units(amount, currency) == minor


@pytest.mark.parametrize(
    ("amount", "currency", "reason"),
    [
        ("1.005", "EUR", "too_many_decimals"),
        ("1.0", "JPY", "too_many_decimals"),
        ("1.2345", "KWD", "too_many_decimals"),
        ("", "EUR", "malformed_amount"),
        ("-", "EUR", "malformed_amount"),
        ("+1", "EUR", "malformed_amount"),
        (".5", "EUR", "malformed_amount"),
        ("5.", "EUR", "malformed_amount"),
        ("1,5", "EUR", "malformed_amount"),
        ("1_000", "EUR", "malformed_amount"),
        ("1e3", "EUR", "malformed_amount"),
        ("1.00\n", "EUR", "malformed_amount"),
        ("٣", "EUR", "malformed_amount"),
        ("Infinity", "EUR", "malformed_amount"),
        ("10000000000000.01", "EUR", "amount_too_large"),
        ("-10000000000000.01", "EUR", "amount_too_large"),
        ("9999999999999999", "JPY", "amount_too_large"),
        ("1", "eur", "unknown_currency"),
        ("1", "XXX", "unknown_currency"),
        ("1", "", "unknown_currency"),
    ],
)
def test_what_would_need_rounding_or_guessing_is_refused(amount: str, currency: str, reason: str) -> None:
    with pytest.raises(Rejected) as caught:
        minor_units(amount, currency)
    assert caught.value.reason == reason


@given(amount_minor=st.integers(-AMOUNT_MINOR_MAX, AMOUNT_MINOR_MAX), currency=CURRENCIES)
def test_writing_and_reading_an_amount_keeps_it(amount_minor: int, currency: str) -> None:
    text = decimal_text(amount_minor, currency)
    assert minor_units(text, currency) == amount_minor
    assert len(text.partition(".")[2]) == decimals(currency)


def test_amounts_are_written_with_all_decimals_of_the_currency() -> None:
    assert [decimal_text(-5, "EUR"), decimal_text(5, "JPY"), decimal_text(5, "KWD")] == ["-0.05", "5", "0.005"]


def test_money_of_one_currency_adds_and_shows() -> None:
    assert str(Money(12_050, "EUR") + Money(-50, "EUR")) == "120.00 EUR"


def test_two_currencies_are_never_added() -> None:
    with pytest.raises(ValueError, match="cannot add USD to EUR"):
        Money(1, "EUR") + Money(1, "USD")


TRADED = """USD EUR JPY GBP CNY AUD CAD CHF HKD SGD SEK KRW NOK NZD INR MXN TWD ZAR BRL DKK PLN THB ILS IDR CZK AED TRY
HUF CLP SAR PHP MYR COP RUB RON PEN BHD BGN ARS""".split()
"""The currencies of the central banks' survey of foreign exchange, 2022."""


def test_the_currencies_of_the_world_s_trade_are_known() -> None:
    places = {code: decimals(code) for code in TRADED}
    assert {code: n for code, n in places.items() if n != 2} == {"JPY": 0, "KRW": 0, "CLP": 0, "BHD": 3}
