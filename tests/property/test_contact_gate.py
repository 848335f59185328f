"""The gate under random rules, zones, histories and instants: never outside hours, never too often, never too late."""

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from services.contact.domain.gate import decide
from services.contact.domain.hours import Hours, Span
from services.contact.domain.known import PastAttempt
from services.contact.domain.rules import Case
from services.contact.domain.timing import Frequency, Window
from services.contact.domain.verdict import Conclusion, Decision
from tests.unit.contact.cases import CUSTOMER, REQUEST, rules

# Zones with odd offsets, with daylight saving on either hemisphere, at midnight, of half an hour, and with none.
ZONES = st.sampled_from(
    """Europe/Berlin America/New_York America/Chicago America/St_Johns Australia/Lord_Howe Asia/Kathmandu
    Pacific/Apia Pacific/Kiritimati Africa/Cairo Asia/Beirut America/Santiago UTC""".split()
)
# Around the days on which clocks change, by the minute: that is where a window goes wrong.
CHANGES = st.sampled_from([datetime(2026, 3, 8), datetime(2026, 3, 29), datetime(2026, 4, 5), datetime(2026, 11, 1)])  # noqa: DTZ001  made aware below
INSTANTS = st.builds(
    lambda day, minutes, seconds: day.replace(tzinfo=UTC) + timedelta(minutes=minutes, seconds=seconds),
    CHANGES, st.integers(-4_000, 4_000), st.integers(0, 59),
)  # fmt: skip
# Starts on whole hours: one strictly inside an hour that the clock skips opens that much late, by design.
SPANS = st.one_of(
    st.none(),
    st.tuples(st.integers(0, 22), st.integers(0, 59), st.integers(1, 24)).map(
        lambda t: Span(time(t[0]), None if t[0] + t[2] > 23 else time(t[0] + t[2], t[1]))
    ),
)
HOURS = st.lists(SPANS, min_size=7, max_size=7).map(lambda week: Hours(dict(enumerate(week))))
CHANNEL = frozenset({"sms"})


def lawful(hours: Hours, zones: tuple[ZoneInfo, ...], at: datetime) -> bool:
    """The rule said once more, in other words: minutes of the local day against minutes of its span."""
    for zone in zones:
        local = at.astimezone(zone)
        span = hours.week[local.weekday()]
        if span is None:
            return False
        second = local.hour * 3600 + local.minute * 60 + local.second
        end = 86_400 if span.end is None else span.end.hour * 3600 + span.end.minute * 60
        if not span.start.hour * 3600 + span.start.minute * 60 <= second < end:
            return False
    return True


def decided(hours: Hours, names: list[str], at: datetime) -> tuple[Decision, tuple[ZoneInfo, ...]]:
    zones = tuple(ZoneInfo(name) for name in names)
    request = replace(REQUEST, requested_at=at, expires_at=at + timedelta(days=20))
    case = Case(request, CUSTOMER, zones)
    return decide(case, rules(hours), at), zones


@settings(max_examples=400, deadline=None)
@given(hours=HOURS, names=st.lists(ZONES, min_size=1, max_size=3), at=INSTANTS)
def test_allowed_only_inside_the_hours_of_every_zone(hours: Hours, names: list[str], at: datetime) -> None:
    decision, zones = decided(hours, names, at)
    assert (decision.conclusion is Conclusion.ALLOWED) == lawful(hours, zones, at)


@settings(max_examples=400, deadline=None)
@given(hours=HOURS, names=st.lists(ZONES, min_size=1, max_size=3), at=INSTANTS, between=st.floats(0, 0.999))
def test_deferred_to_a_lawful_instant_and_to_none_later_than_needed(
    hours: Hours, names: list[str], at: datetime, between: float
) -> None:
    decision, zones = decided(hours, names, at)
    if decision.conclusion is not Conclusion.DEFERRED:
        return
    until = decision.until
    assert until is not None
    assert at < until
    assert lawful(hours, zones, until)
    for quarter in range(int((until - at).total_seconds() // 900)):
        assert not lawful(hours, zones, at + timedelta(minutes=15 * quarter))
    assert not lawful(hours, zones, at + (until - at) * between)


@settings(max_examples=300, deadline=None)
@given(
    limit=st.integers(1, 4), days=st.integers(1, 8), names=st.lists(ZONES, min_size=1, max_size=2), start=INSTANTS,
    gaps=st.lists(st.integers(1, 3_000), min_size=1, max_size=25),
)  # fmt: skip
def test_no_period_of_local_days_ever_holds_more_than_the_limit(
    limit: int, days: int, names: list[str], start: datetime, gaps: list[int]
) -> None:
    zones = tuple(ZoneInfo(name) for name in names)
    rule = Frequency("frequency", CHANNEL, limit, days)
    sent: list[PastAttempt] = []
    at = start
    for gap in gaps:
        at += timedelta(minutes=gap)
        request = replace(REQUEST, expires_at=at + timedelta(days=60))
        decision = decide(Case(request, replace(CUSTOMER, attempts=tuple(sent)), zones), (rule,), at)
        if decision.conclusion is Conclusion.ALLOWED:
            sent.append(PastAttempt("sms", at, "sent"))
        else:
            assert decision.until is not None
            assert decision.until > at
    for zone in zones:
        dates = [attempt.at.astimezone(zone).date() for attempt in sent]
        for first in dates:
            assert sum(1 for day in dates if 0 <= (day - first).days < days) <= limit


@settings(max_examples=200, deadline=None)
@given(hours=HOURS, names=st.lists(ZONES, min_size=1, max_size=2), at=INSTANTS, lives=st.integers(1, 5_000))
def test_nothing_is_deferred_to_its_expiry_or_beyond(hours: Hours, names: list[str], at: datetime, lives: int) -> None:
    request = replace(REQUEST, requested_at=at, expires_at=at + timedelta(minutes=lives))
    case = Case(request, CUSTOMER, tuple(ZoneInfo(name) for name in names))
    decision = decide(case, (Window("hours", CHANNEL, hours),), at)
    if decision.conclusion is Conclusion.DEFERRED:
        assert decision.until is not None
        assert decision.until < request.expires_at
