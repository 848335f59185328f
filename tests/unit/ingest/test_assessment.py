"""The reference at its edges, case by case, with figures worked out by hand from DOMAIN: The ledger."""

from dataclasses import replace
from datetime import date

import pytest

from services.ingest.domain import facts as f
from services.ingest.domain.assessment import assess, ledger_view
from services.ingest.domain.policy import Band, Classification, Materiality, Probation, Rules, Scale
from tests.unit.ingest.cases import assessed, bill, day, opened, policy, repaid, rules

CARD = rules("card-minimum-payment")
RBI = rules("in-rbi", "in-rbi")


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
    ("on", "days", "label"),
    [
        (date(2021, 3, 30), 0, "standard"),
        (date(2021, 3, 31), 1, "SMA-0"),
        (date(2021, 4, 29), 30, "SMA-0"),
        (date(2021, 4, 30), 31, "SMA-1"),
        (date(2021, 5, 29), 60, "SMA-1"),
        (date(2021, 5, 30), 61, "SMA-2"),
        (date(2021, 6, 28), 90, "SMA-2"),
        (date(2021, 6, 29), 91, "NPA"),
    ],
)
def test_the_reserve_banks_example_of_31_march(on: date, days: int, label: str) -> None:
    now = assessed([f.Billed("b1", "instalment", 10_000, date(2021, 3, 1), date(2021, 3, 31))], on, RBI)
    assert (now.days_past_due, dict(now.classifications)) == (days, {"in-rbi": label})


def test_a_non_performing_account_stays_so_until_all_arrears_are_paid() -> None:
    owed: list[f.Fact] = [bill("b1", due=31), bill("b2", due=100)]
    part: list[f.Fact] = [*owed, repaid("r1", 10_000, on=125)]
    assert assessed(part, 124, RBI).classifications == (("in-rbi", "NPA"),)
    assert assessed(part, 125, RBI).days_past_due == 26
    assert assessed(part, 125, RBI).classifications == (("in-rbi", "NPA"),)
    assert assessed([*part, repaid("r2", 9_999, on=126)], 126, RBI).classifications == (("in-rbi", "NPA"),)
    assert assessed([*part, repaid("r2", 10_000, on=126)], 126, RBI).classifications == (("in-rbi", "standard"),)


def test_performing_accounts_go_back_with_their_days() -> None:
    part: list[f.Fact] = [bill("b1", due=31), bill("b2", due=60), repaid("r1", 10_000, on=70)]
    assert assessed(part, 69, RBI).classifications == (("in-rbi", "SMA-1"),)
    assert assessed(part, 70, RBI).classifications == (("in-rbi", "SMA-0"),)


@pytest.mark.parametrize(
    ("labels", "days", "label"),
    [
        ("ifrs9", 30, "stage-1"),
        ("ifrs9", 31, "stage-2"),
        ("ifrs9", 90, "stage-2"),
        ("ifrs9", 91, "stage-3"),
        ("cn-five-tier", 0, "normal"),
        ("cn-five-tier", 1, "special-mention"),
        ("cn-five-tier", 90, "special-mention"),
        ("cn-five-tier", 91, "substandard"),
        ("cn-five-tier", 270, "substandard"),
        ("cn-five-tier", 271, "doubtful"),
        ("cn-five-tier", 360, "doubtful"),
        ("cn-five-tier", 361, "loss"),
        ("us-ffiec", 89, "pass"),
        ("us-ffiec", 90, "substandard"),
        ("us-ffiec", 119, "substandard"),
        ("us-ffiec", 120, "charge-off-due"),
        ("us-ffiec-open-end", 179, "substandard"),
        ("us-ffiec-open-end", 180, "charge-off-due"),
    ],
)
def test_classifications_follow_days_past_due(labels: str, days: int, label: str) -> None:
    by = rules("instalment", labels)
    assert assessed([bill(due=31)], 31 + days, by).classifications == ((labels, label),)


@pytest.mark.parametrize(
    ("days", "bucket"), [(0, "M0"), (1, "M1"), (30, "M1"), (31, "M2"), (91, "M4"), (180, "M6"), (181, "M7")]
)
def test_chinese_buckets_are_months(days: int, bucket: str) -> None:
    assert assessed([bill(due=31)], 31 + days, rules("cn-five-tier")).bucket == bucket


@pytest.mark.parametrize(
    ("amount", "paid", "days"),
    [(1_000, 899, 9), (1_000, 900, 0), (1_000, 901, 0), (5, 4, 9), (5, 5, 0), (1, 0, 9), (19, 17, 9), (19, 18, 0)],
)
def test_nine_tenths_count_as_full_for_the_days_but_not_for_the_money(amount: int, paid: int, days: int) -> None:
    now = assessed([bill(amount=amount), repaid(amount=paid, on=20)], 40, rules("us-ffiec"))
    assert (now.days_past_due, now.arrears_minor) == (days, amount - paid)
    assert (now.oldest_due_on is None) == (days == 0)


def test_a_shortfall_within_tolerance_takes_the_next_money_first() -> None:
    owed: list[f.Fact] = [
        bill("b1", 1_000, due=31),
        bill("b2", 1_000, due=61),
        repaid("r1", 900),
        repaid("r2", 500, on=61),
    ]
    now = assessed(owed, 70, rules("us-ffiec"))
    assert (now.days_past_due, now.arrears_minor, now.oldest_due_on) == (9, 600, day(61))


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


def test_zero_amounts_owe_and_settle_nothing() -> None:
    now = assessed([bill("b0", 0, due=5), bill(), repaid("r0", 0, on=6)], 32)
    assert (now.days_past_due, now.arrears_minor) == (1, 10_000)


@pytest.mark.parametrize("currency", ["JPY", "KWD", "EUR"])
def test_amounts_are_minor_units_whatever_their_number(currency: str) -> None:
    now = assess([opened(currency=currency), bill(amount=1)], rules(), day(32))
    assert (now.arrears_minor, now.days_past_due) == (1, 1)


def test_instalment_surplus_prepays_the_next_bill() -> None:
    owed: list[f.Fact] = [bill("b1", due=31), repaid("r1", 15_000, on=10), bill("b2", due=61, issued=40)]
    assert assessed(owed, 62).arrears_minor == 5_000


def test_card_surplus_prepays_no_bill_issued_later() -> None:
    owed: list[f.Fact] = [bill("b1", due=31), repaid("r1", 15_000, on=10), bill("b2", due=61, issued=40)]
    assert assessed(owed, 62, CARD).arrears_minor == 10_000


def test_a_card_repayment_counts_against_a_bill_issued_that_day() -> None:
    assert assessed([bill(issued=10), repaid(on=10)], 40, CARD).arrears_minor == 0
    assert assessed([bill(issued=10), repaid(on=9)], 40, CARD).arrears_minor == 10_000


def test_card_repayments_go_in_order_of_their_dates_not_of_their_arrival() -> None:
    owed: list[f.Fact] = [bill("b1", due=31), bill("b2", due=61, issued=40)]
    early, late = repaid("r1", 10_000, on=20), repaid("r2", 10_000, on=45)
    assert assessed([*owed, late, early], 70, CARD).arrears_minor == 0


def test_the_oldest_due_is_met_first_then_the_oldest_issued_then_the_smaller_id() -> None:
    owed: list[f.Fact] = [bill("b", 10, 31, 5), bill("a", 10, 31, 5), bill("z", 10, 31, 4), bill("y", 10, 30, 9)]
    view = ledger_view([opened(), *owed, repaid(amount=25)], rules(), day(40))
    assert [(o.id, o.paid_minor) for o in view.obligations] == [("y", 10), ("z", 10), ("a", 5), ("b", 0)]


def test_an_adjustment_replaces_the_amount_from_its_date() -> None:
    owed: list[f.Fact] = [bill(), f.Adjusted("b1", "j1", 12_000, day(40)), f.Adjusted("b1", "j0", 11_000, day(40))]
    assert assessed(owed, 39).arrears_minor == 10_000
    assert assessed(owed, 40).arrears_minor == 12_000
    assert assessed(owed, 39).next_transition_on == day(40)


def test_money_freed_by_an_adjustment_moves_on() -> None:
    owed: list[f.Fact] = [bill("b1", due=31), bill("b2", due=61), repaid(), f.Adjusted("b1", "j1", 4_000, day(70))]
    assert assessed(owed, 69).arrears_minor == 10_000
    assert assessed(owed, 70).arrears_minor == 4_000


def test_a_cancelled_bill_was_never_owed() -> None:
    now = assessed([bill(), f.Cancelled("b1", day(90))], 40)
    assert (now.arrears_minor, now.days_past_due) == (0, 0)


def test_a_reversal_undoes_from_the_repayments_own_date() -> None:
    owed: list[f.Fact] = [f.Reversed("r1", day(70)), bill(), repaid()]
    now = assessed(owed, 40)
    assert (now.arrears_minor, now.days_past_due) == (10_000, 9)


@pytest.mark.parametrize("by", [rules(), RBI])
def test_a_chargeback_is_a_new_obligation_ageing_from_the_day_after(by: Rules) -> None:
    owed: list[f.Fact] = [bill(), repaid(on=20), f.ChargedBack("r1", day(50))]
    assert assessed(owed, 49, by).arrears_minor == 0
    assert assessed(owed, 50, by).arrears_minor == 0
    late = assessed(owed, 51, by)
    assert (late.arrears_minor, late.days_past_due, late.oldest_due_on) == (10_000, 1, day(50))


def test_a_reversed_repayment_is_not_charged_back_as_well() -> None:
    owed: list[f.Fact] = [bill(), repaid(on=20), f.ChargedBack("r1", day(50)), f.Reversed("r1", day(51))]
    assert assessed(owed, 60).arrears_minor == 10_000


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


def test_a_reage_takes_what_is_unpaid_out_of_arrears_for_good() -> None:
    owed: list[f.Fact] = [bill("b1", due=31), repaid("r1", 4_000), f.Reaged("g1", day(50)), bill("b2", due=61)]
    assert assessed(owed, 49).arrears_minor == 6_000
    assert assessed(owed, 50).arrears_minor == 0
    assert assessed(owed, 50).exposure_minor == 100_000
    later: list[f.Fact] = [*owed, repaid("r2", 10_000, on=61)]
    assert assessed(later, 70).arrears_minor == 0
    undone: list[f.Fact] = [*later, f.ReageUndone("g1", day(65))]
    assert (assessed(undone, 70).arrears_minor, assessed(undone, 70).oldest_due_on) == (6_000, day(61))


def test_a_reage_leaves_what_is_due_that_day_alone() -> None:
    owed: list[f.Fact] = [bill(due=31), f.Reaged("g1", day(31))]
    assert assessed(owed, 32).arrears_minor == 10_000
    assert assessed([bill(due=30), f.Reaged("g1", day(31))], 32).arrears_minor == 0


def test_what_was_paid_before_a_reage_still_counts_when_it_is_raised_later() -> None:
    owed: list[f.Fact] = [bill(due=31), repaid(on=40), f.Reaged("g1", day(50)), f.Adjusted("b1", "j1", 11_000, day(60))]
    assert assessed(owed, 60).arrears_minor == 1_000


def test_a_spell_does_not_reach_over_days_in_grace() -> None:
    by = Rules(replace(policy(), grace_days=10))
    owed: list[f.Fact] = [bill("b1", due=31), bill("b2", due=55), repaid(on=60)]
    assert assessed(owed, 59, by).delinquent_since == day(42)
    assert assessed(owed, 62, by).delinquent_since is None
    assert assessed(owed, 70, by).delinquent_since == day(66)


def test_exposure_is_the_last_balance_then_the_principal_and_never_the_limit() -> None:
    first, second = f.Balance("e1", 900, day(20)), f.Balance("e2", 800, day(20))
    assert assessed([], 10).exposure_minor == 100_000
    assert assessed([second, first], 20).exposure_minor == 800
    assert assessed([second, first], 19).exposure_minor == 100_000
    card = replace(opened(), principal_minor=None, limit_minor=500_000)
    assert assess([card, bill()], rules(), day(40)).exposure_minor == 0


def test_ageing_goes_on_after_write_off_and_ends_with_closure() -> None:
    owed: list[f.Fact] = [bill(), f.WrittenOff(10_000, day(50)), f.Closed(day(80))]
    before, after, closed = assessed(owed, 49), assessed(owed, 50), assessed(owed, 80)
    assert (before.state, before.next_transition_on) == ("open", day(50))
    assert (after.state, after.days_past_due, after.arrears_minor) == ("written-off", 19, 10_000)
    assert (closed.state, closed.days_past_due, closed.arrears_minor, closed.exposure_minor) == ("closed", 0, 0, 0)
    assert (closed.delinquent_since, closed.next_transition_on) == (None, None)


def test_a_post_dated_repayment_counts_from_its_date() -> None:
    owed: list[f.Fact] = [bill(), repaid(on=50)]
    now = assessed(owed, 40)
    assert (now.arrears_minor, now.next_transition_on) == (10_000, day(50))
    assert assessed(owed, 50).arrears_minor == 0


def test_the_first_of_two_facts_of_one_key_stands() -> None:
    assert assessed([bill(amount=10), bill(amount=99)], 40).arrears_minor == 10


def test_the_view_lays_open_which_repayment_met_what() -> None:
    facts: list[f.Fact] = [
        opened(), bill("b1", 10_000), bill("b2", 5_000, due=61), repaid("r1", 6_000, on=20), repaid("r2", 6_000, on=40),
        repaid("r3", 7, on=90), repaid("r4", 8, on=41), f.Reversed("r4", day(42)),
    ]  # fmt: skip
    view = ledger_view(facts, rules(), day(62))
    assert [(o.id, o.paid_minor, o.unpaid_minor, o.overdue, o.allocations) for o in view.obligations] == [
        ("b1", 10_000, 0, False, (("r1", 6_000), ("r2", 4_000))),
        ("b2", 2_000, 3_000, True, (("r2", 2_000),)),
    ]
    assert [(r.id, r.state, r.unallocated_minor, r.allocations) for r in view.repayments] == [
        ("r1", "counted", 0, (("b1", 6_000),)),
        ("r2", "counted", 0, (("b1", 4_000), ("b2", 2_000))),
        ("r4", "reversed", 0, ()),
        ("r3", "post_dated", 0, ()),
    ]


@pytest.mark.parametrize("balance", [33, 34, 35, 36, 37, 40, 53])
def test_a_classification_counts_on_towards_its_label_over_days_that_change_nothing(balance: int) -> None:
    """Its days begin on day 35, after grace; the account itself is not delinquent, its arrears being too small."""
    scale = Scale((Band("fine", 0), Band("default", 20)))
    counted = Classification("counted", 1, scale, 20, Materiality({"EUR": 50}), Probation(1, 1))
    by = Rules(replace(policy(), grace_days=3, materiality=Materiality({"EUR": 50_000})), (counted,))
    owed: list[f.Fact] = [bill(), f.Balance("e1", 100_000, day(balance))]
    for today in (32, 33, 34):
        assert assessed(owed, today, by).next_transition_on == day(54)
    assert assessed(owed, 53, by).classifications == (("counted", "fine"),)
    assert assessed(owed, 54, by).classifications == (("counted", "default"),)


def test_another_oldest_obligation_is_a_transition_even_where_the_sum_is_the_same() -> None:
    owed: list[f.Fact] = [bill("b1", due=31), bill("b2", due=49), repaid(on=50)]
    assert assessed(owed, 45).next_transition_on == day(50)
    assert [assessed(owed, on).oldest_due_on for on in (49, 50)] == [day(31), day(49)]
