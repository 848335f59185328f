"""Days past due and spells, at their edges, with figures worked out by hand from DOMAIN: The ledger."""

from dataclasses import replace
from datetime import date

import pytest

from services.ingest.domain import facts as f
from services.ingest.domain.assessment import assess
from services.ingest.domain.policy import Materiality, Rules
from tests.unit.ingest.cases import assessed, bill, day, opened, policy, repaid, rules


@pytest.mark.parametrize(
    ("on", "days", "bucket", "arrears", "following"),
    [
        (30, 0, "current", 0, 32),
        (31, 0, "current", 0, 32),  # due today is not overdue
        (32, 1, "1-29", 10_000, 61),
        (60, 29, "1-29", 10_000, 61),
        (61, 30, "30-59", 10_000, 91),
        (90, 59, "30-59", 10_000, 91),
        (91, 60, "60-89", 10_000, 121),
        (120, 89, "60-89", 10_000, 121),
        (121, 90, "90-119", 10_000, 151),
        (150, 119, "90-119", 10_000, 151),
        (151, 120, "120-149", 10_000, 181),
        (181, 150, "150-179", 10_000, 211),
        (210, 179, "150-179", 10_000, 211),
        (211, 180, "180+", 10_000, None),
    ],
)
def test_a_bill_ages_day_by_day(on: int, days: int, bucket: str, arrears: int, following: int | None) -> None:
    now = assessed([bill(due=31)], on)
    assert (now.days_past_due, now.bucket, now.arrears_minor) == (days, bucket, arrears)
    assert now.delinquent == (days > 0)
    assert now.delinquent_since == (day(32) if days else None)
    assert now.oldest_due_on == (day(31) if days else None)
    assert now.next_transition_on == (None if following is None else day(following))


@pytest.mark.parametrize(
    ("due", "on", "days"),
    [
        (date(2024, 2, 28), date(2024, 2, 29), 1),
        (date(2024, 2, 29), date(2024, 3, 1), 1),
        (date(2024, 2, 28), date(2024, 3, 1), 2),
        (date(2023, 2, 28), date(2023, 3, 1), 1),
        (date(2023, 12, 31), date(2024, 12, 31), 366),
        (date(2024, 1, 31), date(2024, 2, 29), 29),
    ],
)
def test_days_are_calendar_days(due: date, on: date, days: int) -> None:
    owed = f.Billed("b1", "instalment", 10_000, date(2023, 1, 1), due)
    assert assessed([owed], on).days_past_due == days


@pytest.mark.parametrize(
    ("amount", "paid", "days"),
    [(1_000, 899, 9), (1_000, 900, 0), (1_000, 901, 0), (5, 4, 9), (5, 5, 0), (1, 0, 9), (19, 17, 9), (19, 18, 0)],
)
def test_nine_tenths_count_as_full_for_the_days_but_not_for_the_money(amount: int, paid: int, days: int) -> None:
    now = assessed([bill(amount=amount), repaid(amount=paid, on=20)], 40, rules("us-ffiec"))
    assert (now.days_past_due, now.arrears_minor) == (days, amount - paid)
    assert (now.oldest_due_on is None) == (days == 0)


def test_a_partial_repayment_lowers_the_amount_and_not_the_days() -> None:
    now = assessed([bill(), repaid(amount=9_999, on=40)], 50)
    assert (now.days_past_due, now.arrears_minor) == (19, 1)


def test_a_spell_outlives_the_obligation_that_began_it() -> None:
    now = assessed([bill("b1", due=31), bill("b2", due=61), repaid("r1", 10_000, on=70)], 75)
    assert (now.days_past_due, now.oldest_due_on) == (14, day(61))
    assert now.delinquent_since == day(32)


def test_a_new_spell_begins_after_a_day_without_arrears() -> None:
    now = assessed([bill("b1", due=31), bill("b2", due=61), repaid("r1", 10_000, on=40)], 75)
    assert now.delinquent_since == day(62)


@pytest.mark.parametrize(
    ("pauses", "days"),
    [
        ([f.Paused("p1", day(40), day(50))], 29),
        ([f.Paused("p1", day(20), day(31))], 39),  # ends where days begin to count
        ([f.Paused("p1", day(20), day(32))], 38),
        ([f.Paused("p1", day(31), day(32))], 38),  # the due date is the first day counted
        ([f.Paused("p1", day(69), day(70))], 38),
        ([f.Paused("p1", day(70), day(71))], 39),  # the as-of day itself is not yet over
        ([f.Paused("p1", day(40), day(40))], 39),
        ([f.Paused("p1", day(40))], 9),
        ([f.Paused("p1", day(40)), f.Resumed("p1", day(45))], 34),
        ([f.Resumed("p1", day(45)), f.Paused("p1", day(40))], 34),
        ([f.Paused("p1", day(40), day(45)), f.Resumed("p1", day(60))], 34),  # never longer
        ([f.Paused("p1", day(40), day(50)), f.Paused("p2", day(45), day(55))], 24),  # a day counts once
        ([f.Paused("p1", day(40), day(50)), f.Paused("p2", day(42), day(44))], 29),
        ([f.Paused("p1", day(40), day(45)), f.Paused("p2", day(45), day(50))], 29),
    ],
)
def test_paused_days_do_not_age(pauses: list[f.Fact], days: int) -> None:
    now = assessed([bill(due=31), *pauses], 70)
    assert (now.days_past_due, now.arrears_minor) == (days, 10_000)


def test_an_open_ended_pause_has_no_next_transition() -> None:
    assert assessed([bill(), f.Paused("p1", day(40))], 45).next_transition_on is None
    assert assessed([bill(), f.Paused("p1", day(40), day(50))], 45).next_transition_on == day(71)


@pytest.mark.parametrize(("on", "days", "delinquent"), [(32, 0, False), (41, 0, False), (42, 1, True), (71, 30, True)])
def test_grace_days_do_not_count_but_the_arrears_do(on: int, days: int, delinquent: bool) -> None:
    now = assessed([bill()], on, Rules(replace(policy(), grace_days=10)))
    assert (now.days_past_due, now.delinquent, now.arrears_minor) == (days, delinquent, 10_000)
    assert now.delinquent_since == (day(42) if delinquent else None)


@pytest.mark.parametrize(
    ("amount", "exposure", "delinquent"),
    [(10_000, 500_000, False), (10_001, 500_000, True), (10_001, 1_000_100, False), (10_002, 1_000_100, True)],
)
def test_arrears_have_to_be_above_both_thresholds(amount: int, exposure: int, delinquent: bool) -> None:
    for consecutive, immaterial_days in ((True, 0), (False, 9)):
        by = Rules(replace(policy(), materiality=Materiality({"EUR": 10_000}, 100, consecutive)))
        now = assess([opened(principal=exposure), bill(amount=amount)], by, day(40))
        assert (now.delinquent, now.arrears_minor) == (delinquent, amount)
        assert now.days_past_due == (9 if delinquent else immaterial_days)


def test_a_spell_does_not_reach_over_days_in_grace() -> None:
    by = Rules(replace(policy(), grace_days=10))
    owed: list[f.Fact] = [bill("b1", due=31), bill("b2", due=55), repaid(on=60)]
    assert assessed(owed, 59, by).delinquent_since == day(42)
    assert assessed(owed, 62, by).delinquent_since is None
    assert assessed(owed, 70, by).delinquent_since == day(66)


def test_ageing_goes_on_after_write_off_and_ends_with_closure() -> None:
    owed: list[f.Fact] = [bill(), f.WrittenOff(10_000, day(50)), f.Closed(day(80))]
    before, after, closed = assessed(owed, 49), assessed(owed, 50), assessed(owed, 80)
    assert (before.state, before.next_transition_on) == ("open", day(50))
    assert (after.state, after.days_past_due, after.arrears_minor) == ("written-off", 19, 10_000)
    assert (closed.state, closed.days_past_due, closed.arrears_minor, closed.exposure_minor) == ("closed", 0, 0, 0)
    assert (closed.delinquent_since, closed.next_transition_on) == (None, None)


def test_another_oldest_obligation_is_a_transition_even_where_the_sum_is_the_same() -> None:
    owed: list[f.Fact] = [bill("b1", due=31), bill("b2", due=49), repaid(on=50)]
    assert assessed(owed, 45).next_transition_on == day(50)
    assert [assessed(owed, on).oldest_due_on for on in (49, 50)] == [day(31), day(49)]
