"""Money is an integer of the currency's minor unit and an ISO 4217 code, never a float (DOMAIN: Money)."""

import re
from dataclasses import dataclass
from typing import Final

from shared.vocabulary.errors import Rejected

AMOUNT_MINOR_MAX: Final = 10**15
"""Bound on one amount: sums over a large portfolio still fit a 64-bit column."""

_DECIMALS: Final[dict[str, int]] = (
    dict.fromkeys(
        """AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF
    CNY COP CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR
    ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN
    MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD
    SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD UYU UZS VED VES WST XCD XCG YER ZAR ZMW ZWG""".split(),
        2,
    )
    | dict.fromkeys("BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF".split(), 0)
    | dict.fromkeys("BHD IQD JOD KWD LYD OMR TND".split(), 3)
)

_DECIMAL_TEXT: Final = re.compile(r"(-?[0-9]{1,16})(?:\.([0-9]{1,6}))?")


def decimals(currency: str) -> int:
    """Minor-unit digits of an ISO 4217 code; Rejected('unknown_currency') for anything else."""
    try:
        return _DECIMALS[currency]
    except KeyError:
        raise Rejected("unknown_currency", "not an ISO 4217 currency code in use") from None


def minor_units(amount: str, currency: str) -> int:
    """A decimal string as minor units: ("120.50", "EUR") is 12050. Never rounds: too many decimals are Rejected."""
    places = decimals(currency)
    match = _DECIMAL_TEXT.fullmatch(amount)
    if match is None:
        raise Rejected("malformed_amount", 'an amount is a plain decimal string such as "120.50"')
    whole, fraction = match.groups("")
    missing = places - len(fraction)
    if missing < 0:
        raise Rejected("too_many_decimals", f"{currency} has {places} decimals, the amount has {len(fraction)}")
    value: int = int(whole + fraction) * 10**missing
    if not -AMOUNT_MINOR_MAX <= value <= AMOUNT_MINOR_MAX:
        raise Rejected("amount_too_large", f"an amount has at most {AMOUNT_MINOR_MAX} minor units")
    return value


def decimal_text(amount_minor: int, currency: str) -> str:
    """Minor units as the wire's decimal string: (12050, "EUR") is "120.50"."""
    places = decimals(currency)
    if not places:
        return str(amount_minor)
    whole, fraction = divmod(abs(amount_minor), 10**places)
    sign = "-" if amount_minor < 0 else ""
    return f"{sign}{whole}.{fraction:0{places}}"


@dataclass(frozen=True, slots=True)
class Money:
    """An amount of one currency. Adding two currencies is an error, never a conversion."""

    amount_minor: int
    currency: str

    def __str__(self) -> str:
        return f"{decimal_text(self.amount_minor, self.currency)} {self.currency}"

    def __add__(self, other: "Money") -> "Money":
        if other.currency != self.currency:
            raise ValueError(f"cannot add {other.currency} to {self.currency}")
        return Money(self.amount_minor + other.amount_minor, self.currency)
