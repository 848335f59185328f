"""Records that nobody can use, one kind for each thing that can be wrong, with the reason services must give for it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from random import Random
from typing import Final

import orjson

from deploy.local.portfolio.accounts import SLOTS, Account, account
from deploy.local.portfolio.writer import Record, Writer

OVERSIZE_BYTES: Final = 300_000


@dataclass(frozen=True)
class Kind:
    """One way to be wrong: the reason expected, and how a good record becomes such a one."""

    reason: str
    make: Callable[[Record], bytes]
    based_on: str = "bill"
    """bill, repayment, account or customer: the good record to start from; `example` is one published before."""


def _replaced(old: bytes, new: bytes) -> Callable[[Record], bytes]:
    return lambda record: record.value.replace(old, new, 1)


def _amount(text: bytes) -> Callable[[Record], bytes]:
    return _replaced(b'"amount":"10.00"', b'"amount":"%s"' % text)


def _contradiction(record: Record) -> bytes:
    event = orjson.loads(record.value)
    event["id"] += "-again"
    event["data"]["amount"]["amount"] = "1.23"
    return orjson.dumps(event)


KINDS: Final = (
    Kind("not_json", lambda record: record.value[:-20]),
    Kind("not_cloudevents", lambda record: orjson.dumps(orjson.loads(record.value)["data"]), "repayment"),
    Kind("unknown_type", _replaced(b"BillIssued", b"BillForgiven")),
    Kind("conflicting_duplicate", _contradiction, "example"),
    Kind("missing_field", _replaced(b'"effective_on"', b'"value_date"'), "repayment"),
    Kind("wrong_currency", _replaced(b'"currency":"', b'"currency":"SEK","was":"')),
    Kind("unknown_currency", _replaced(b'"currency":"', b'"currency":"EURO","was":"'), "repayment"),
    Kind("too_many_decimals", _amount(b"10.005")),
    Kind("negative_amount", _amount(b"-10.00"), "repayment"),
    Kind("naive_time", _replaced(b':00Z"', b':00"'), "account"),
    Kind("nul_character", _replaced(b'"name":"', b'"name":"\\u0000'), "customer"),
    Kind("malformed_date", _replaced(b'"due_on":"2', b'"due_on":"the 2')),
    Kind("too_large", lambda record: record.value[:-1] + b',"note":"%s"}' % (b"x" * OVERSIZE_BYTES)),
    Kind("text_too_long", _replaced(b'"name":"', b'"name":"%s' % (b"x" * 5_000)), "customer"),
)


class Malformed:
    """Makes malformed records that look like the day's others."""

    def __init__(self, seed: int, customers: int) -> None:
        self.example: Record | None = None
        """A good repayment of an earlier day, for another one to contradict."""
        self._seed = seed
        self._slots = customers * SLOTS

    def record(self, kind: Kind, day: date, writer: Writer, rng: Random) -> Record:
        """One record of that kind."""
        good = self.example if kind.based_on == "example" else None
        good = good or self._good(kind.based_on, day, writer, rng)
        return good._replace(value=kind.make(good))

    def _good(self, based_on: str, day: date, writer: Writer, rng: Random) -> Record:
        a = self._account(rng)
        match based_on:
            case "repayment":
                return writer.repayment(a, 10_00, day, "transfer")[1]
            case "account":
                return writer.closed(a, day)
            case "customer":
                return writer.customer(a.customer)
            case _:
                return writer.bill(a, f"B{a.slot:07d}-{day}", 10_00, day, day)

    def _account(self, rng: Random) -> Account:
        """Some account that was there before the history began: its currency is known to everybody."""
        while True:
            found = account(self._seed, rng.randrange(self._slots))
            if found is not None and found.opens_month < 0:
                return found
