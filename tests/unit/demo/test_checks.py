"""The checks hold when everything fits, and say what does not when something is changed."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from deploy.local.demo import checks
from deploy.local.demo.checks import Check
from deploy.local.demo.figures import Figures
from deploy.local.demo.mailroom import Message
from deploy.local.portfolio.people import customer
from tests.unit.demo.fixtures import figures

MORNING = datetime(2025, 2, 3, 9, 30, tzinfo=UTC)
KINDS = {"billed": "banking.billing", "balance": "banking.billing"}


def said(check: Check) -> str:
    return "\n".join(check.failures)


def message(attempt: str = "t1", channel: str = "sms", at: datetime = MORNING) -> Message:
    return Message(channel, "+39320", attempt, "", True, at)  # type: ignore[arg-type]


def messages() -> list[Message]:
    return [message(f"s{n}") for n in range(13)] + [message(f"e{n}", "email") for n in range(4)]


def with_emails(of: Figures) -> Figures:
    of.attempts.append({"channel": "email", "state": "sent", "attempts": 4})
    return of


def test_equal_totals_hold() -> None:
    assert not checks.reporting_equals_ledgers(figures()).failures


@pytest.mark.parametrize(
    ("field", "value", "failure"),
    [
        ("accounts", 51, "accounts +1"),
        ("arrears_amount", "1234.57", "arrears +1"),
        ("exposure_amount", "7999.99", "exposure -1"),
        ("bucket", "30-59", "EUR open 30-59"),
    ],
)
def test_a_cent_or_an_account_too_many_shows(field: str, value: object, failure: str) -> None:
    changed = figures()
    changed.reporting["closed"][1][field] = value
    assert failure in said(checks.reporting_equals_ledgers(changed))


def test_the_recomputation_is_compared_cell_by_cell() -> None:
    expected = {("EUR", "open", "current"): (150, 0, 9_000_000), ("EUR", "open", "1-29"): (50, 123_456, 800_000)}
    assert not checks.ledgers_equal_facts(figures(), expected).failures
    expected["EUR", "open", "1-29"] = (50, 123_457, 800_000)
    assert said(checks.ledgers_equal_facts(figures(), expected)) == "EUR open 1-29: arrears -1"


def test_messages_are_counted_once_everywhere() -> None:
    assert not checks.nobody_contacted_twice(with_emails(figures()), messages()).failures


def test_a_message_that_came_twice_shows() -> None:
    found = said(checks.nobody_contacted_twice(with_emails(figures()), [*messages(), message("s1")]))
    assert "attempt s1 arrived 2 times" in found
    assert "'providers': 14" in found


def test_an_attempt_nobody_received_shows() -> None:
    assert "sms" in said(checks.nobody_contacted_twice(with_emails(figures()), messages()[1:]))


def test_published_facts_are_accounted_for() -> None:
    assert not checks.every_event_accounted_for(_only_billing(figures()), KINDS, _repeated(1)).failures


def _only_billing(of: Figures) -> Figures:
    published = {"banking.billing": 10, "banking.accounts": 0, "banking.repayments": 0}
    return replace(of, scope=replace(of.scope, published=published))


def _repeated(count: int) -> Counter[str]:
    return Counter({"banking.billing": count})


def test_a_lost_fact_shows() -> None:
    lost = _only_billing(figures())
    lost.ledgers["facts"]["billed"] = 6
    assert "10 published, 9 accounted for" in said(checks.every_event_accounted_for(lost, KINDS, _repeated(1)))


def test_a_repetition_not_counted_shows() -> None:
    found = said(checks.every_event_accounted_for(_only_billing(figures()), KINDS, _repeated(2)))
    assert "ingest counted 1 repetitions, 2 were published" in found


def test_an_unread_record_shows() -> None:
    behind = _only_billing(figures())
    behind.shards["ingest"][0]["offsets"]["banking.billing"] = 9
    found = said(checks.every_event_accounted_for(behind, KINDS, _repeated(1)))
    assert "ingest has read 9 of 10 records of banking.billing" in found


def test_dead_letters_are_compared_by_reason() -> None:
    refused = Counter({("banking.billing", "not_json"): 1})
    assert not checks.dead_letters_are_the_malformed(figures(), refused).failures
    refused["banking.billing", "naive_time"] += 1
    found = said(checks.dead_letters_are_the_malformed(figures(), refused))
    assert found == "ingest: 0 of banking.billing as naive_time, expected 1"


def test_reasons_of_the_ledger_are_ingests_alone() -> None:
    refused = Counter({("banking.billing", "not_json"): 1, ("banking.accounts", "wrong_currency"): 1})
    found = said(checks.dead_letters_are_the_malformed(figures(), refused))
    assert "ingest: 0 of banking.accounts as wrong_currency" in found
    assert "reporting" not in found


def test_local_hours_and_opt_outs() -> None:
    person = customer(7, 1)
    assert not checks.contacted_lawfully([(message(), person)], [], {}).failures
    night = message(at=MORNING.replace(hour=21))
    assert "local time" in said(checks.contacted_lawfully([(night, person)], [], {}))
    sunday = message(at=MORNING.replace(day=2))
    assert "Sun" in said(checks.contacted_lawfully([(sunday, person)], [], {}))
    out = {(person.id, "sms"): MORNING.replace(day=1)}
    assert "after the opt-out" in said(checks.contacted_lawfully([(message(), person)], [], out))
    assert not checks.contacted_lawfully([(message(channel="email"), person)], [], out).failures
    assert "after the close" in said(checks.contacted_lawfully([], [message()], {}))
