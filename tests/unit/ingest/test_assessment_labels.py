"""Buckets and classifications, at their edges, with figures worked out by hand from DOMAIN: The ledger."""

from dataclasses import replace
from datetime import date

import pytest

from services.ingest.domain import facts as f
from services.ingest.domain.policy import Band, Classification, Materiality, Probation, Rules, Scale
from tests.unit.ingest.cases import RBI, assessed, bill, day, policy, repaid, rules


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
