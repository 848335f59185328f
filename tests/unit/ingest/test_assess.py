"""The stateless calculator as a function: what it reads, what it refuses, what it answers."""

import json
from typing import Any

import pytest

from services.ingest.assess import DATES_MAX, FACTS_MAX, REQUEST_BYTES_MAX, answer, question
from shared.vocabulary.errors import Rejected
from tests.unit.ingest.cases import PACKS

Wire = dict[str, Any]


def eur(amount: str, currency: str = "EUR") -> Wire:
    return {"amount": amount, "currency": currency}


OPENED: Wire = {
    "type": "AccountOpened",
    "recorded_at": "2024-01-01T09:00:00Z",
    "data": {
        "account_id": "a-1", "customer_id": "c-1", "product": "loan", "currency": "EUR", "policy": "in-rbi",
        "classifications": ["ifrs9"], "opened_on": "2024-01-01", "principal": eur("1000.00"),
    },
}  # fmt: skip
BILL: Wire = {
    "type": "BillIssued",
    "recorded_at": "2024-01-02T09:00:00Z",
    "data": {
        "account_id": "a-1", "bill_id": "b-1", "kind": "instalment", "amount": eur("100.00"),
        "issued_on": "2024-01-02", "due_on": "2024-01-31",
    },
}  # fmt: skip
REPAID: Wire = {
    "type": "RepaymentReceived",
    "recorded_at": "2024-02-20T09:00:00Z",
    "data": {"account_id": "a-1", "repayment_id": "r-1", "amount": eur("60.00"), "effective_on": "2024-02-10"},
}


def changed(fact: Wire, **data: Any) -> Wire:
    return {**fact, "data": {**fact["data"], **data}}


def without(fact: Wire, *names: str) -> Wire:
    return {**fact, "data": {name: value for name, value in fact["data"].items() if name not in names}}


def asked(*facts: Any, **more: Any) -> Wire:
    return ask({"facts": list(facts), **more})


def ask(written: Wire) -> Wire:
    """The question with a policy and a date unless it has its own."""
    return answer(question(json.dumps({"policy": "instalment", "as_of": ["2024-03-01"], **written}).encode()), PACKS)


def one(*facts: Any, **more: Any) -> Wire:
    found: Wire = asked(*facts, **more)["assessments"][0]
    return found


def refused(*facts: Any, **more: Any) -> list[tuple[int, str]]:
    return [(r["index"], r["reason"]) for r in asked(*facts, **more)["rejected"]]


def test_an_answer_has_the_fields_of_the_format() -> None:
    now = one(OPENED, BILL, REPAID, classifications=["in-rbi"])
    now.pop("explanation")
    assert {name: str(value) for name, value in now.items() if name.endswith(("_on", "_since", "as_of"))} == {
        "as_of": "2024-03-01", "oldest_due_on": "2024-01-31", "delinquent_since": "2024-02-01",
        "next_transition_on": "2024-03-02",
    }  # fmt: skip
    assert {name: value for name, value in now.items() if not name.endswith(("_on", "_since", "as_of"))} == {
        "days_past_due": 30, "bucket": "30-59", "arrears": eur("40.00"), "exposure": eur("1000.00"),
        "classifications": {"in-rbi": "SMA-0"}, "policy": "instalment", "policy_version": 1,
    }  # fmt: skip


def test_dates_are_answered_in_the_order_asked() -> None:
    days = ["2024-03-01", "2024-01-31", "2024-02-01", "2024-03-01"]
    assert [a["days_past_due"] for a in asked(BILL, as_of=days)["assessments"]] == [30, 0, 1, 30]


@pytest.mark.parametrize(
    ("known_at", "arrears"), [("2024-02-20T08:59:59Z", "100.00"), ("2024-02-20T09:00:00Z", "40.00")]
)
def test_what_was_recorded_later_was_not_known(known_at: str, arrears: str) -> None:
    assert one(OPENED, BILL, REPAID, known_at=known_at)["arrears"] == eur(arrears)


def test_before_its_opening_was_known_an_account_owes_nothing() -> None:
    assert one(OPENED, {**BILL, "recorded_at": None}, known_at="2024-01-01T08:00:00Z")["bucket"] == "current"
    assert one(BILL, known_at="2024-03-01T08:00:00Z")["arrears"] == eur("100.00")


def test_an_opening_with_an_amount_in_another_currency_is_refused() -> None:
    foreign = changed(OPENED, principal=eur("1000.00", "USD"))
    answered = asked(foreign, BILL)
    said = "data.principal: the account is in EUR, the amount in USD"
    assert answered["rejected"] == [{"index": 0, "reason": "wrong_currency", "detail": said}]
    assert answered["assessments"][0]["exposure"] == eur("0.00")
    with pytest.raises(Rejected, match=r"fact 0 was refused: wrong_currency: data\.principal"):
        asked(foreign, BILL, policy=None)


def test_rules_are_those_asked_for_then_those_the_account_opened_with() -> None:
    assert one(OPENED, BILL)["classifications"] == {"ifrs9": "stage-1"}
    assert one(OPENED, BILL, classifications=[])["classifications"] == {}
    by_itself = one(OPENED, BILL, policy=None)
    assert (by_itself["policy"], by_itself["days_past_due"]) == ("in-rbi", 31)
    assert by_itself["classifications"] == {"in-rbi": "SMA-1", "ifrs9": "stage-2"}
    assert one(BILL, policy="in-rbi")["classifications"] == {"in-rbi": "SMA-1"}


OWN: Wire = {
    "name": "mine",
    "version": 7,
    "ageing": {
        "surplus": "carries_forward", "overdue": "day_after", "grace_days": 10,
        "buckets": [{"name": "fine", "from": 0, "to": 19}, {"name": "late", "from": 20}],
    },
    "classification": {"labels": [{"name": "good", "from": 0, "to": 19}, {"name": "bad", "from": 20}]},
}  # fmt: skip


def test_a_whole_pack_may_be_given() -> None:
    now = one(BILL, policy=OWN, classifications=["mine", "ifrs9"])
    assert (now["policy"], now["policy_version"], now["days_past_due"], now["bucket"]) == ("mine", 7, 20, "late")
    assert now["classifications"] == {"mine": "bad", "ifrs9": "stage-1"}
    assert one(BILL, classifications=[OWN])["classifications"] == {"mine": "bad"}
    assert one(BILL, policy=OWN)["classifications"] == {"mine": "bad"}


@pytest.mark.parametrize(
    ("fact", "reason"),
    [
        (7, "not_an_object"),
        (None, "not_an_object"),
        ([], "not_an_object"),
        ({}, "missing_field"),
        ({"type": "BillIssued"}, "missing_field"),
        ({"type": 3, "data": {}}, "missing_field"),
        ({"type": "BillIssued", "data": []}, "not_an_object"),
        ({"type": "CustomerUpdated", "data": {}}, "unknown_type"),
        (without(BILL, "due_on"), "missing_field"),
        ({**BILL, "recorded_at": "2024-01-02T09:00:00"}, "naive_time"),
        ({**BILL, "recorded_at": 12}, "malformed_time"),
        (changed(BILL, due_on="31.1.2024"), "malformed_date"),
        (changed(BILL, due_on="2023-02-29"), "malformed_date"),
        (changed(BILL, due_on="3000-01-01"), "out_of_range"),
        (changed(BILL, amount=eur("-1.00")), "negative_amount"),
        (changed(BILL, amount=eur("1.001")), "too_many_decimals"),
        (changed(BILL, amount=eur("1.00", "ABC")), "unknown_currency"),
        (changed(BILL, amount=eur("1.00", "USD")), "wrong_currency"),
        (changed(BILL, amount=100), "not_an_object"),
        (changed(BILL, bill_id="a\x00b"), "nul_character"),
        (changed(BILL, bill_id="x" * 201), "text_too_long"),
        (changed(BILL, account_id="a-2"), "wrong_account"),
        (changed(REPAID, amount=eur("61.00")), "conflicting_duplicate"),
    ],
)
def test_a_wrong_fact_is_left_out_with_its_reason(fact: Any, reason: str) -> None:
    facts = [OPENED, BILL, REPAID, fact, REPAID]
    assert refused(*facts) == [(3, reason)]
    assert one(*facts) == one(OPENED, BILL, REPAID)


def test_types_are_read_as_on_the_wire_too_and_the_account_may_be_left_out() -> None:
    wire = {**without(BILL, "account_id"), "type": "arrears.billing.BillIssued.v1"}
    assert asked(wire) == asked(without(BILL, "account_id"))
    assert one(wire, REPAID)["arrears"] == eur("40.00")


def test_nothing_said_is_nothing_owed() -> None:
    now = one()
    assert (now["days_past_due"], now["arrears"], now["exposure"], now["next_transition_on"]) == (0, None, None, None)
    assert now["explanation"]["sentence"] == "On 2024-03-01 nothing is overdue: the account is in bucket current."


@pytest.mark.parametrize(
    ("written", "complaint"),
    [
        ({"policy": "nope"}, "unknown_policy: no pack called 'nope'"),
        ({"policy": "ifrs9"}, "unknown_policy: no pack called 'ifrs9' says how accounts age"),
        ({"policy": None}, "invalid_request: policy: is missing"),
        ({"policy": {}}, "malformed_policy: policy: name: Field required"),
        ({"classifications": ["nope"]}, "unknown_policy: no pack called 'nope'"),
        ({"classifications": ["ifrs9", "ifrs9"]}, "invalid_request: classifications: a pack is named twice"),
        ({"classifications": [OWN, {**OWN, "version": 8}]}, "malformed_policy: classifications.1.name: another pack"),
        ({"as_of": []}, "invalid_request: as_of: "),
        ({"as_of": "2024-01-01"}, "invalid_request: as_of: "),
        ({"as_of": ["2024-02-30"]}, "invalid_request: as_of.0: "),
        ({"as_of": ["2024-01-01"] * (DATES_MAX + 1)}, "invalid_request: as_of: "),
        ({"facts": {}}, "invalid_request: facts: "),
        ({"facts": [1] * (FACTS_MAX + 1)}, "invalid_request: facts: "),
        ({"facts": [1] * FACTS_MAX, "as_of": ["2024-01-01"] * 26}, "request_too_large: facts times dates"),
        ({"known_at": "2024-01-01"}, "invalid_request: known_at: "),
        ({"more": 1}, "invalid_request: no such field"),
    ],
)
def test_a_wrong_question_is_refused_with_its_place(written: Wire, complaint: str) -> None:
    with pytest.raises(Rejected) as refusal:
        ask({"facts": [BILL], **written})
    assert str(refusal.value).startswith(complaint)


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b"\xff", b'{"as_of": NaN}', b"[" * 100_000])
def test_what_is_no_question_is_refused(body: bytes) -> None:
    with pytest.raises(Rejected, match="invalid_request"):
        question(body)


def test_what_is_said_twice_is_refused_wherever_it_stands() -> None:
    twice = json.dumps({"policy": "instalment", "as_of": ["2024-03-01"], "facts": [BILL]}).replace(
        '"amount": "100.00"', '"amount": "1.00", "amount": "100.00"'
    )
    with pytest.raises(Rejected, match="invalid_request: 'amount' is written twice in one object"):
        question(twice.encode())


def test_a_question_has_a_size() -> None:
    with pytest.raises(Rejected, match="request_too_large"):
        question(b" " * (REQUEST_BYTES_MAX + 1))
