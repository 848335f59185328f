"""What a batch of events says to contact, whatever the order inside it."""

from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import Any

from services.contact.domain.facts import Facts, Owed, Statement
from services.contact.translate import facts_of, wire_name
from shared.contracts import banking, collections
from shared.contracts.envelope import Event
from shared.messaging import Received
from shared.messaging.stream import Record
from tests.integration.contact.lab import customer, request, status

NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)


def read(*events: Any) -> Facts:
    return facts_of(
        Received(Event("e", "s", "t", None, NOON, data), Record("topic", 0, n, None, b""))
        for n, data in enumerate(events)
    )


def test_only_the_newest_status_of_an_account_is_kept_in_any_order() -> None:
    statuses = [status(version=version, arrears=f"{version}.00") for version in (1, 2, 3)]
    for order in permutations(statuses):
        assert read(*order).owed == {"a-1": Owed("a-1", "c-1", 3, 300, "EUR")}


def test_the_highest_revision_is_kept_in_any_order() -> None:
    for order in permutations([customer(revision=revision, name=f"name {revision}") for revision in (1, 2, 3)]):
        assert read(*order).profiles["c-1"].name == "name 3"


def test_the_last_word_on_a_channel_is_kept_and_among_equals_the_opt_out() -> None:
    said = [
        banking.ConsentGiven(customer_id="c-1", channel="sms", effective_at=NOON - timedelta(days=1)),
        banking.ConsentWithdrawn(customer_id="c-1", channel="sms", effective_at=NOON),
        banking.ConsentGiven(customer_id="c-1", channel="sms", effective_at=NOON),
    ]
    for order in permutations(said):
        assert read(*order).statements == {("c-1", "sms", ""): Statement("c-1", "sms", "", False, NOON)}


def test_numbers_are_compared_in_one_form() -> None:
    out = banking.ConsentWithdrawn(customer_id="c-1", channel="email", value=" Ada@Example.ORG ", effective_at=NOON)
    assert list(read(out).statements) == [("c-1", "email", "ada@example.org")]
    out = banking.ConsentWithdrawn(customer_id="c-1", channel="sms", value="+49 (151) 0-1", effective_at=NOON)
    assert list(read(out).statements) == [("c-1", "sms", "+4915101")]


def test_a_released_hold_stays_released_in_any_order() -> None:
    placed = collections.HoldPlaced(case_id="case-1", customer_id="c-1", hold_id="h-1", kind="legal")
    released = collections.HoldReleased(case_id="case-1", customer_id="c-1", hold_id="h-1", kind="legal")
    for order in permutations([placed, released]):
        assert read(*order).holds["h-1"].released


def test_the_first_request_of_an_id_stands() -> None:
    assert read(request(), request(template="overdue")).requests["k-1"].template == "reminder"


def test_a_reason_fits_the_wire() -> None:
    assert wire_name("smtp_answer lost: é") == "smtp_answer-lost---"
    assert len(wire_name("x" * 100)) == 64
    assert wire_name("__private") == "private"
    assert wire_name("") == wire_name("–") == "unspecified"
