"""The gate rule by rule: what is refused, what waits until when, and that nothing unknown ever passes."""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta

import pytest

from services.contact.domain.gate import decide
from services.contact.domain.known import Balance, Consent, Customer, Endpoint, Hold, OpenPromise
from services.contact.domain.request import OwedAccount, Request
from services.contact.domain.rules import Case, OptOut
from services.contact.domain.verdict import Conclusion, Says, Verdict
from tests.unit.contact.cases import CUSTOMER, REQUEST, TUESDAY_NOON, attempted, case, rules

DAY = timedelta(days=1)


def reason(customer: Customer = CUSTOMER, request: Request = REQUEST, at: datetime = TUESDAY_NOON) -> str | None:
    decision = decide(case(customer, request), rules(), at)
    assert decision.conclusion is Conclusion.REFUSED
    assert decision.endpoint is None
    return decision.reason


def test_who_owes_and_may_be_contacted_is() -> None:
    decision = decide(case(), rules(), TUESDAY_NOON)
    assert decision.conclusion is Conclusion.ALLOWED
    assert decision.endpoint == Endpoint("mobile", "+4915100000001")
    assert [verdict.says for verdict in decision.verdicts] == [Says.YES] * 9


def test_no_rules_is_no() -> None:
    assert decide(case(), (), TUESDAY_NOON).conclusion is Conclusion.REFUSED


def test_expiry_belongs_to_the_refusal() -> None:
    monday = datetime(2026, 3, 9, 12, tzinfo=UTC)
    request = replace(REQUEST, expires_at=monday)
    assert reason(request=request, at=monday) == "expired"
    assert decide(case(request=request), rules(), monday - timedelta(microseconds=1)).conclusion is Conclusion.ALLOWED


def test_no_contact_point_for_the_channel() -> None:
    assert reason(replace(CUSTOMER, endpoints=(Endpoint("landline", "+49301"),))) == "no_contact_point"
    assert reason(request=replace(REQUEST, channel="letter")) == "no_contact_point"


def test_an_unknown_channel_is_no() -> None:
    assert reason(request=replace(REQUEST, channel="pigeon")) == "rule_error"


@pytest.mark.parametrize("endpoint", [None, "+4915100000001"])
def test_an_opt_out_of_the_channel_or_the_only_endpoint_refuses(endpoint: str | None) -> None:
    out = Consent("sms", endpoint, given=False, effective_at=TUESDAY_NOON)
    assert str(reason(replace(CUSTOMER, consents=(out,)))).startswith("opted_out")


def test_an_opt_out_of_one_endpoint_leaves_the_other() -> None:
    second = Endpoint("mobile", "+49 151 2")
    out = Consent("sms", "+4915100000001", given=False, effective_at=TUESDAY_NOON)
    customer = replace(CUSTOMER, endpoints=(*CUSTOMER.endpoints, second), consents=(out,))
    assert decide(case(customer), rules(), TUESDAY_NOON).endpoint == second


def test_an_opt_out_of_another_channel_does_not_matter() -> None:
    out = Consent("email", None, given=False, effective_at=TUESDAY_NOON)
    assert decide(case(replace(CUSTOMER, consents=(out,))), rules(), TUESDAY_NOON).conclusion is Conclusion.ALLOWED


def test_an_opt_out_still_allows_its_confirmation() -> None:
    out = Consent("sms", "+4915100000001", given=False, effective_at=TUESDAY_NOON)
    rule = OptOut("optout", allow_purposes=frozenset({"optout_confirmation"}))
    confirmed = case(replace(CUSTOMER, consents=(out,)), replace(REQUEST, purpose="optout_confirmation"))
    decision = decide(confirmed, (rule,), TUESDAY_NOON)
    assert decision.conclusion is Conclusion.ALLOWED
    assert decision.endpoint == CUSTOMER.endpoints[0]


def test_where_a_consent_is_required_silence_is_no() -> None:
    rule = OptOut("optout", consent_required=True)
    assert decide(case(), (rule,), TUESDAY_NOON).reason == "no_consent"
    given = Consent("sms", None, given=True, effective_at=TUESDAY_NOON)
    assert decide(case(replace(CUSTOMER, consents=(given,))), (rule,), TUESDAY_NOON).conclusion is Conclusion.ALLOWED


def test_a_hold_refuses_through_its_last_day_in_every_zone() -> None:
    held = replace(CUSTOMER, holds=(Hold("dispute", date(2026, 3, 10)),))
    assert reason(held) == "hold"
    assert decide(case(held), rules(), TUESDAY_NOON + DAY).conclusion is Conclusion.ALLOWED
    assert reason(replace(CUSTOMER, holds=(Hold("bankruptcy"),)), at=TUESDAY_NOON + DAY) == "hold"


def test_an_open_promise_refuses() -> None:
    assert reason(replace(CUSTOMER, promises=(OpenPromise("p", date(2026, 3, 20)),))) == "promise_open"


def test_who_has_paid_is_left_alone() -> None:
    assert reason(replace(CUSTOMER, balances={"a-1": Balance(4, 0, "EUR")})) == "nothing_owed"


def test_one_account_still_owing_is_enough() -> None:
    both = replace(REQUEST, accounts=(OwedAccount("a-1"), OwedAccount("a-2")))
    customer = replace(CUSTOMER, balances={"a-1": Balance(4, 0, "EUR"), "a-2": Balance(1, 1, "EUR")})
    assert decide(case(customer, both), rules(), TUESDAY_NOON).conclusion is Conclusion.ALLOWED


@pytest.mark.parametrize(
    ("balances", "version"),
    [({}, None), ({"a-1": Balance(3, 0, "EUR")}, 4), ({"a-1": Balance(3, 100, "EUR")}, 4)],
)
def test_a_balance_behind_the_request_is_awaited(balances: dict[str, Balance], version: int | None) -> None:
    request = replace(REQUEST, accounts=(OwedAccount("a-1", version),))
    decision = decide(case(replace(CUSTOMER, balances=balances), request), rules(), TUESDAY_NOON)
    assert (decision.conclusion, decision.awaiting) == (Conclusion.DEFERRED, True)
    assert decision.until == REQUEST.expires_at


def test_a_customer_not_known_yet_is_awaited() -> None:
    stranger = Customer("c-1", revision=None, balances=CUSTOMER.balances)
    decision = decide(case(stranger), rules(), TUESDAY_NOON)
    assert (decision.conclusion, decision.awaiting) == (Conclusion.DEFERRED, True)


@pytest.mark.parametrize("time_zone", [None, "Mars/Olympus", "../etc/passwd", ""])
def test_no_zone_known_is_no(time_zone: str | None) -> None:
    assert reason(replace(CUSTOMER, time_zone=time_zone)) == "no_zone_known"


def test_a_wrong_zone_does_not_fall_back_to_the_region() -> None:
    assert reason(replace(CUSTOMER, time_zone="Mars/Olympus", region="US-FL")) == "no_zone_known"


def test_every_plausible_zone_must_agree() -> None:
    florida = replace(CUSTOMER, time_zone=None, region="us-fl")
    in_new_york_only = datetime(2026, 3, 10, 12, 30, tzinfo=UTC)  # 08:30 EDT, 07:30 CDT
    decision = decide(case(florida), rules(), in_new_york_only)
    assert decision.conclusion is Conclusion.DEFERRED
    assert decision.until == datetime(2026, 3, 10, 13, tzinfo=UTC)
    closing = datetime(2026, 3, 11, 1, 0, tzinfo=UTC)  # 21:00 EDT, 20:00 CDT
    assert decide(case(florida), rules(), closing).until == datetime(2026, 3, 11, 13, tzinfo=UTC)


def test_outside_hours_waits_for_the_next_lawful_instant() -> None:
    night = datetime(2026, 3, 10, 22, tzinfo=UTC)
    decision = decide(case(), rules(), night)
    assert (decision.conclusion, decision.rule) == (Conclusion.DEFERRED, "hours")
    assert decision.until == datetime(2026, 3, 11, 7, tzinfo=UTC)
    assert not decision.awaiting


def test_a_lawful_hour_that_comes_only_at_expiry_is_a_refusal() -> None:
    opening = datetime(2026, 3, 11, 7, tzinfo=UTC)
    night = datetime(2026, 3, 10, 22, tzinfo=UTC)
    assert reason(request=replace(REQUEST, expires_at=opening), at=night) == "outside_hours_until_expiry"
    later = replace(REQUEST, expires_at=opening + timedelta(microseconds=1))
    assert decide(case(request=later), rules(), night).conclusion is Conclusion.DEFERRED


def test_one_a_day_is_by_the_customer_s_calendar_day() -> None:
    decision = decide(case(attempted(TUESDAY_NOON - timedelta(hours=1))), rules(), TUESDAY_NOON)
    assert decision.rule == "daily"
    assert decision.until == datetime(2026, 3, 11, 7, tzinfo=UTC)  # not midnight: nobody is called at midnight
    late_monday = datetime(2026, 3, 9, 22, 59, tzinfo=UTC)  # 23:59 in Berlin
    assert decide(case(attempted(late_monday)), rules(), TUESDAY_NOON).conclusion is Conclusion.ALLOWED
    early_tuesday = datetime(2026, 3, 9, 23, 0, tzinfo=UTC)  # midnight in Berlin
    assert decide(case(attempted(early_tuesday)), rules(), TUESDAY_NOON).conclusion is Conclusion.DEFERRED


def test_three_in_seven_days_waits_until_the_oldest_leaves_the_period() -> None:
    past = [TUESDAY_NOON - days * DAY for days in (6, 3, 1)]
    decision = decide(case(attempted(*past)), rules(), TUESDAY_NOON)
    assert decision.rule == "weekly"
    assert decision.until == datetime(2026, 3, 11, 7, tzinfo=UTC)
    a_day_older = [TUESDAY_NOON - days * DAY for days in (7, 3, 1)]
    assert decide(case(attempted(*a_day_older)), rules(), TUESDAY_NOON).conclusion is Conclusion.ALLOWED


def test_an_attempt_dated_ahead_counts() -> None:
    assert decide(case(attempted(TUESDAY_NOON + DAY)), rules(), TUESDAY_NOON).conclusion is Conclusion.DEFERRED


def test_attempts_over_other_channels_count_where_the_rule_says_so() -> None:
    decision = decide(case(attempted(TUESDAY_NOON, channel="call")), rules(), TUESDAY_NOON)
    assert decision.rule == "daily"
    assert (
        decide(case(attempted(TUESDAY_NOON, channel="letter")), rules(), TUESDAY_NOON).conclusion is Conclusion.ALLOWED
    )


def test_refusal_outranks_waiting() -> None:
    held = replace(CUSTOMER, holds=(Hold("deceased"),))
    assert reason(held, at=datetime(2026, 3, 10, 23, tzinfo=UTC)) == "hold"


@dataclass(frozen=True)
class Broken:
    """A rule with a bug."""

    id: str = "broken"

    def judge(self, case: Case, at: datetime) -> Verdict:
        raise ZeroDivisionError("personal data must not be copied from here")


def test_a_rule_that_errors_is_a_no_and_says_by_what() -> None:
    decision = decide(case(), (*rules(), Broken()), TUESDAY_NOON)
    assert (decision.conclusion, decision.rule, decision.reason) == (Conclusion.REFUSED, "broken", "rule_error")
    assert decision.verdicts[-1].inputs == {"error": "ZeroDivisionError"}
