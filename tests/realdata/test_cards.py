"""10,000 credit cards through the pure function: what became of each statement, and the issuer's own status."""

import json
from collections import Counter
from typing import Any

import pytest

from services.ingest.domain import facts as f
from services.ingest.domain.figures import figures_on
from services.ingest.domain.known import Known
from services.ingest.domain.view import ledger_view
from tests.realdata.cards import FILE, MONTHS, YEAR, Card, asked_on, bill_of, read_cards
from tests.realdata.figures import outcomes
from tests.shared_data import shared_data
from tests.unit.ingest.cases import rules

BY = rules("card-minimum-payment")


@pytest.fixture(scope="module")
def cards() -> list[Card]:
    return read_cards(shared_data(FILE))


@pytest.fixture(scope="module")
def reference() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(shared_data("reference.json").read_text())["uci_credit_card_10000"]
    return found


def month_name(month: int) -> str:
    return f"{YEAR}-{month:02}"


def outcome(card: Card, month: int) -> tuple[str, int]:
    """What the ledger says became of a month's statement, and the arrears it left."""
    facts: list[f.Fact] = [fact for told in MONTHS if told <= month + 1 for fact in card.told_in(told)]
    facts = [fact for fact in facts if fact.effective_on <= asked_on(month)]
    known = Known(facts)
    lines = ledger_view(known, BY, asked_on(month)).obligations
    line = next((line for line in lines if line.id == bill_of(month)), None)
    if line is None:
        return "no_bill", 0
    arrears_minor = figures_on(known, BY.policy, asked_on(month)).arrears_minor
    assert arrears_minor == line.unpaid_minor, "the statement before is not overdue beside it"
    return ("missed" if not line.paid_minor else "part") if line.unpaid_minor else "full", arrears_minor


@pytest.fixture(scope="module")
def became(cards: list[Card]) -> dict[int, list[tuple[str, int]]]:
    """By statement month, what became of each card's."""
    return {month: [outcome(card, month) for card in cards] for month in list(MONTHS)[:-1]}


@pytest.mark.parametrize("month", list(MONTHS)[:-1])
def test_what_became_of_each_statement(
    became: dict[int, list[tuple[str, int]]], reference: dict[str, Any], month: int
) -> None:
    assert outcomes(became[month]) == reference["outcome"][month_name(month)]


def test_what_was_billed_and_repaid(cards: list[Card], reference: dict[str, Any]) -> None:
    assert len(cards) == reference["accounts"]
    assert sum(amount > 0 for card in cards for amount in card.repaid.values()) == reference["payments_pos_n"]
    assert sum(amount > 0 for card in cards for amount in card.bills.values()) == reference["bills_pos_n"]


def test_the_issuers_own_status_is_read_as_it_is_coded(cards: list[Card], reference: dict[str, Any]) -> None:
    for month in MONTHS:
        counted = Counter(str(card.status[month]) for card in cards)
        assert counted == reference["status_by_month"][month_name(month)]


def test_how_the_issuers_status_rolled(cards: list[Card], reference: dict[str, Any]) -> None:
    for month in list(MONTHS)[:-1]:
        rolled = Counter((band(card.status[month]), band(card.status[month + 1])) for card in cards)
        expected = reference["roll"][f"{month_name(month)}->{month_name(month + 1)}"]
        assert {(one, other): n for one, row in expected.items() for other, n in row.items() if n} == rolled


def band(status: int) -> str:
    if status <= 0:
        return "C"
    return str(status) if status < 4 else "4+"


@pytest.mark.parametrize("month", list(MONTHS)[:-1])
def test_the_issuer_calls_those_late_who_missed(
    cards: list[Card], became: dict[int, list[tuple[str, int]]], month: int
) -> None:
    """A floor, not an oracle: the issuer's minimum and codes are its own, but a miss has to show in them."""
    late = {True: [0, 0], False: [0, 0]}
    for card, (kind, _) in zip(cards, became[month], strict=True):
        late[kind == "missed"][card.status[month + 1] > 0] += 1
    (in_time, late_after_a_miss), (others_in_time, others_late) = late[True], late[False]
    assert late_after_a_miss / (late_after_a_miss + in_time) > 4 * others_late / (others_late + others_in_time)
