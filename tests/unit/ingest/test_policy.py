"""Rules as values: scales, thresholds, labels, and the numbers of days at which something has another name."""

from datetime import date

import pytest

from services.ingest.domain.policy import (
    NEVER_HELD,
    Band,
    Classification,
    Materiality,
    Policy,
    Probation,
    Rules,
    Scale,
)

BUCKETS = Scale((Band("current", 0), Band("early", 1), Band("late", 30)))
STAGES = Classification("stages", 2, Scale((Band("one", 0), Band("two", 11))))
HELD = Classification("held", 3, Scale((Band("good", 0), Band("watch", 5), Band("bad", 20))), held_from=20)
SOONER = Classification("sooner", 1, STAGES.labels, held_from=11)
PROBATION = Classification("trial", 1, Scale((Band("good", 0), Band("bad", 9))), 9, None, Probation(1, 2))
COUNTED = Classification("counted", 1, Scale((Band("good", 0), Band("bad", 9))), None, Materiality({"EUR": 5}))


def policy(materiality: Materiality | None = None) -> Policy:
    return Policy("p", 7, "carries_forward", "day_after", BUCKETS, materiality=materiality)


@pytest.mark.parametrize(
    ("bands", "complaint"),
    [
        ([], "the first band begins at 0 days"),
        ([("a", 1)], "the first band begins at 0 days"),
        ([("a", 0), ("b", 0)], "each band begins after the one before it"),
        ([("a", 0), ("b", 5), ("c", 5)], "each band begins after the one before it"),
        ([("a", 0), ("b", 5), ("c", 4)], "each band begins after the one before it"),
        ([("a", 0), ("b", 5), ("a", 9)], "each band has a name of its own"),
    ],
)
def test_a_scale_with_a_fault_cannot_be_made(bands: list[tuple[str, int]], complaint: str) -> None:
    with pytest.raises(ValueError, match=f"^{complaint}$"):
        Scale(tuple(Band(*band) for band in bands))


def test_a_scale_names_every_number_of_days() -> None:
    assert (BUCKETS.starts, BUCKETS.names) == ((0, 1, 30), ("current", "early", "late"))
    assert [BUCKETS.name_of(days) for days in (0, 1, 29, 30, 999)] == ["current", "early", "early", "late", "late"]


@pytest.mark.parametrize(
    ("arrears", "exposure", "currency", "passed"),
    [
        (100, 0, "EUR", False),
        (101, 0, "EUR", True),
        (1, 0, "JPY", True),
        (0, 0, "JPY", False),
        (200, 10_000, "EUR", False),
        (201, 10_000, "EUR", True),
        (201, 10_050, "EUR", False),
        (2, 100, "JPY", False),
        (3, 100, "JPY", True),
    ],
)
def test_arrears_pass_above_both_thresholds(arrears: int, exposure: int, currency: str, passed: bool) -> None:
    limits = Materiality({"EUR": 100}, 200)
    assert limits.passed(arrears, exposure, currency) == passed
    assert policy(limits).material(arrears, exposure, currency) == passed
    assert policy().material(arrears, exposure, currency)


def test_without_thresholds_any_arrears_pass() -> None:
    assert Materiality({}).passed(1, 10**9, "EUR")
    assert not Materiality({}).passed(0, 10**9, "EUR")


def test_what_is_never_held_is_held_after_all_days_there_are() -> None:
    assert date.max.toordinal() < NEVER_HELD


def test_a_label_is_held_by_the_worst_days_where_no_probation_holds_it() -> None:
    assert [HELD.label(days, 19) for days in (0, 5, 19)] == ["good", "watch", "watch"]
    assert [HELD.label(days, 20) for days in (0, 5, 20, 40)] == ["bad", "bad", "bad", "bad"]
    assert [PROBATION.label(days, 99) for days in (8, 9)] == ["good", "bad"]
    assert STAGES.label(10, 99) == "one"


def test_what_counts_days_of_its_own_is_tracked() -> None:
    assert [c.tracked for c in (STAGES, HELD, PROBATION, COUNTED)] == [False, False, True, True]


def test_rules_know_where_names_change_and_what_they_are() -> None:
    rules = Rules(policy(), (STAGES, HELD))
    assert rules.bounds == (1, 5, 11, 20, 30)
    assert rules.named[0] == ("current", (("stages", "one"), ("held", "good")))
    assert rules.names(10, 10) == ("early", (("stages", "one"), ("held", "watch")))
    assert rules.names(11, 19) == ("early", (("stages", "two"), ("held", "watch")))
    assert rules.names(0, 20) == ("current", (("stages", "one"), ("held", "bad")))
    assert rules.names(30, 30) == ("late", (("stages", "two"), ("held", "bad")))
    assert (rules.held_from, rules.tracked, rules.packs) == (20, (), "p@7 stages@2 held@3")


@pytest.mark.parametrize(
    ("by", "weighed", "consecutive", "expected"),
    [
        ((STAGES,), False, False, (NEVER_HELD, False, False)),
        ((STAGES,), True, False, (NEVER_HELD, False, True)),
        ((STAGES,), True, True, (NEVER_HELD, True, True)),
        ((HELD,), False, False, (20, False, False)),
        ((HELD, PROBATION), False, False, (20, True, False)),
        ((HELD, SOONER, STAGES), False, False, (11, False, False)),
        ((PROBATION,), False, False, (NEVER_HELD, True, False)),
        ((COUNTED,), False, False, (NEVER_HELD, True, True)),
    ],
)
def test_rules_know_how_an_account_under_them_is_followed(
    by: tuple[Classification, ...], weighed: bool, consecutive: bool, expected: tuple[int, bool, bool]
) -> None:
    rules = Rules(policy(Materiality({}, 0, consecutive) if weighed else None), by)
    assert (rules.held_from, rules.eventful, rules.weighs_exposure) == expected
    assert rules.tracked == tuple(c for c in by if c.tracked)


@pytest.mark.parametrize(
    ("days", "worst", "material", "following"),
    [
        (0, 0, True, 1),
        (0, 0, False, 1),
        (1, 1, True, 5),
        (5, 5, True, 11),
        (20, 20, True, 30),
        (30, 30, True, None),
        (0, 25, False, 1),
        (3, 20, True, 11),
        (3, 25, True, 11),  # "held" stays what it is at 5 and 20
        (11, 25, True, 30),
        (30, 30, False, None),
    ],
)
def test_the_next_bound_is_where_a_name_changes(days: int, worst: int, material: bool, following: int | None) -> None:
    assert Rules(policy(), (STAGES, HELD)).next_bound(days, worst, material) == following


def test_delinquency_begins_on_the_first_day_even_where_no_name_does() -> None:
    coarse = Policy("p", 1, "carries_forward", "day_after", Scale((Band("fine", 0), Band("late", 30))))
    assert Rules(coarse).next_bound(0, 0, True) == 1
    assert Rules(coarse).next_bound(0, 0, False) == 30
    assert Rules(coarse).next_bound(1, 1, True) == 30
    assert Rules(coarse).next_bound(30, 30, True) is None


def test_a_policy_says_nothing_of_grace_and_tolerance_unless_it_does() -> None:
    plain = policy()
    assert (plain.grace_days, plain.full_payment_tolerance_bp) == (0, 0)
    assert Classification("stages", 2, STAGES.labels).cite == ""
