"""Why a figure is what it is, as data and in words, worked out by hand."""

from dataclasses import replace
from datetime import date

import pytest

from services.ingest.domain import facts as f
from services.ingest.domain.explanation import Classified, Excluded, Explanation, Met, OldestOverdue, Weighed, explain
from services.ingest.domain.policy import Band, Classification, Materiality, Probation, Rules, Scale
from services.ingest.domain.sentences import in_words
from tests.unit.ingest.cases import RBI, bill, day, opened, policy, repaid, rules

EU = rules("eu-default", "eu-default")


def why(facts: list[f.Fact], on: int, by: Rules | None = None, principal: int = 100_000) -> Explanation:
    return explain([opened(by, principal), *facts], by or rules(), day(on))


def test_the_oldest_overdue_obligation_is_shown_with_the_money_it_took() -> None:
    told = why([bill(), repaid("r1", 4_000, on=20), repaid("r2", 1_000, on=40), bill("b2", due=61)], 70)
    assert told.oldest is not None
    assert (told.oldest.id, told.oldest.paid_minor, told.oldest.unpaid_minor) == ("b1", 5_000, 5_000)
    assert told.oldest.met_by == (Met("r1", 4_000, day(20)), Met("r2", 1_000, day(40)))
    assert (told.overdue_obligations, told.arrears_minor, told.late_days, told.days) == (2, 15_000, 39, 39)
    assert told.excluded == ()
    assert in_words(told) == (
        "On 2021-03-11 the account is 39 days past due, in bucket 30-59. Its oldest overdue obligation is b1 "
        "(instalment) of 100.00 EUR, due on 2021-01-31: repaid 40.00 EUR by r1 on 2021-01-20, 10.00 EUR by r2 on "
        "2021-02-09; 50.00 EUR is unpaid. It is 39 days late (overdue from the day after). Arrears are 150.00 EUR in 2 "
        "overdue obligations."
    )


def test_paused_and_grace_days_are_left_out_by_name() -> None:
    by = Rules(replace(policy(), grace_days=10))
    told = why([bill(), f.Paused("p1", day(20), day(33)), f.Paused("p2", day(45))], 50, by)
    assert told.excluded == (
        Excluded("paused", 7, ((day(31), day(33)), (day(45), day(50)))),
        Excluded("grace", 10),
    )
    assert (told.late_days, told.days) == (19, 2)
    assert (
        "It is 19 days late (overdue from the day after); 7 days paused (from 2021-01-31 until 2021-02-02, from "
        "2021-02-14 until 2021-02-19) do not count and 10 days of grace do not count, so 2 days count."
    ) in in_words(told)


def test_days_before_arrears_were_material_are_left_out() -> None:
    small: list[f.Fact] = [bill("b1", 6_000), bill("b2", 6_000, due=61)]
    before, after = why(small, 61, EU), why(small, 70, EU)
    assert (before.days, before.excluded) == (0, (Excluded("not_material", 30),))
    assert (after.days, after.excluded) == (9, (Excluded("not_material", 30),))
    assert before.weighed is not None
    assert after.weighed is not None
    assert (before.weighed.passed, before.weighed.since) == (False, None)
    assert (after.weighed.passed, after.weighed.since) == (True, day(62))
    assert "not above both 100.00 EUR and 1 % of the exposure of 1000.00 EUR: it is not material." in in_words(before)
    assert "above both 100.00 EUR and 1 % of the exposure of 1000.00 EUR without a break since 2021-03-03" in in_words(
        after
    )


def test_a_label_names_its_rule_and_where_it_stands() -> None:
    told = why([bill()], 61, RBI)
    (label,) = told.classifications
    assert (label.label, label.from_days, label.to_days, label.days, label.held) == ("SMA-1", 31, 60, 31, None)
    assert "RBI/2021-2022/125" in label.citation
    assert in_words(told).endswith(
        "in-rbi says SMA-1: 31 to 60 days past due; there are 31 (Reserve Bank of India, circular RBI/2021-2022/125 of "
        "12 November 2021)."
    )


def test_a_held_label_says_what_keeps_it() -> None:
    told = why([bill("b1"), bill("b2", due=100), repaid(on=125)], 125, RBI)
    assert [(c.label, c.days, c.held) for c in told.classifications] == [("NPA", 26, "until_arrears_are_paid")]
    assert "reached before and kept until all arrears are paid" in in_words(told)
    cured = why([bill(amount=20_000), repaid(amount=20_000, on=130)], 140, EU)
    (label,) = cured.classifications
    assert (label.label, label.days, label.held) == ("default", 0, "probation")
    assert label.leaves_on == date(2021, 8, 10)
    assert "kept through a probation, which ends on 2021-08-10 if nothing happens" in in_words(cured)


def test_what_is_within_tolerance_or_re_aged_is_named() -> None:
    told = why([bill(), repaid(amount=9_500, on=20)], 40, rules("us-ffiec"))
    assert (told.oldest, told.arrears_minor, told.within_tolerance) == (None, 500, ("b1",))
    assert "5.00 EUR is overdue but ages nothing: what is missing of b1 is within the tolerance" in in_words(told)
    again = why([bill(), f.Reaged("g1", day(50))], 60)
    assert again.reaged == ("b1",)
    assert in_words(again).endswith(
        "nothing is overdue: the account is in bucket current. A re-age took out of arrears: b1."
    )


@pytest.mark.parametrize(
    ("facts", "sentence"),
    [
        ([], "On 2021-02-09 nothing is overdue: the account is in bucket current."),
        ([bill(), f.Closed(day(40))], "On 2021-02-09 the account is closed: it owes nothing and has no days."),
        ([bill(due=39)], "It is 1 day late (overdue from the day after)."),
        ([bill(), repaid(on=20), f.ChargedBack("r1", day(35))], "a chargeback is overdue from the day after"),
    ],
)
def test_the_sentence_fits_the_case(facts: list[f.Fact], sentence: str) -> None:
    assert sentence in in_words(why(facts, 40))


def test_thresholds_of_another_currency_leave_the_share() -> None:
    by = Rules(replace(policy(), materiality=Materiality({"EUR": 10_000}, 100)))
    told = explain([opened(by, 100_000, "JPY"), bill(amount=1_001)], by, day(40))
    assert told.weighed is not None
    assert (told.weighed.absolute_minor, told.weighed.share_minor, told.weighed.passed) == (0, 1_000, True)


def test_each_figure_of_an_explanation_has_its_place() -> None:
    told = why([bill("b1", 6_000), bill("b2", 6_000, due=61), repaid("r1", 500, on=40)], 159, EU, 50_000)
    assert replace(told, classifications=()) == Explanation(
        as_of=day(159),
        currency="EUR",
        state="open",
        bucket="90-119",
        overdue="day_after",
        oldest=OldestOverdue(
            "b1", "instalment", 6_000, 500, 5_500, day(1), day(31), day(32), (Met("r1", 500, day(40)),)
        ),
        overdue_obligations=2,
        arrears_minor=11_500,
        exposure_minor=50_000,
        late_days=128,
        days=98,
        excluded=(Excluded("not_material", 30),),
        within_tolerance=(),
        reaged=(),
        weighed=Weighed(10_000, 500, 100, True, day(62)),
        classifications=(),
    )
    (label,) = told.classifications
    assert replace(label, citation="") == Classified(
        "eu-default", 1, "default", "consecutive_material_days", 98, 91, None, day(62), None, None, ""
    )


@pytest.mark.parametrize(
    ("on", "expected"),
    [
        (32, ("SMA-0", 2, 1, 30, day(31), None)),
        (92, ("SMA-2", 62, 61, 90, day(31), None)),
        (121, ("NPA", 91, 91, None, day(31), None)),
        (125, ("NPA", 26, 91, None, day(31), "until_arrears_are_paid")),
        (190, ("NPA", 91, 91, None, day(31), None)),
    ],
)
def test_a_label_of_days_past_due_tells_its_range_and_since_when(on: int, expected: tuple[object, ...]) -> None:
    """Due on days 31 and 100 under `due_day`; the first is paid on day 125."""
    (label,) = why([bill("b1"), bill("b2", due=100), repaid(on=125)], on, RBI).classifications
    assert (label.name, label.version, label.counts, label.leaves_on) == ("in-rbi", 1, "days_past_due", None)
    assert (label.label, label.days, label.from_days, label.to_days, label.since, label.held) == expected


@pytest.mark.parametrize(
    ("pause", "spans"),
    [
        (f.Paused("p1", day(20), day(33)), ((day(31), day(33)),)),
        (f.Paused("p1", day(45), day(60)), ((day(45), day(50)),)),
        (f.Paused("p1", day(20), day(60)), ((day(31), day(50)),)),
        (f.Paused("p1", day(20), day(31)), None),
        (f.Paused("p1", day(50), day(60)), None),
        (f.Paused("p1", day(31), day(32)), ((day(31), day(32)),)),
        (f.Paused("p1", day(49), day(50)), ((day(49), day(50)),)),
    ],
)
def test_paused_days_are_those_while_it_is_late(pause: f.Fact, spans: tuple[tuple[date, date], ...] | None) -> None:
    excluded = why([bill(), pause], 50).excluded
    days = sum((until - first).days for first, until in spans or ())
    assert excluded == ((Excluded("paused", days, spans),) if spans else ())


def test_a_closed_account_has_no_oldest_obligation() -> None:
    told = why([bill(), f.Closed(day(40))], 40)
    assert (told.state, told.oldest, told.overdue_obligations, told.late_days) == ("closed", None, 0, 0)
    assert why([bill(), f.Closed(day(40))], 39).oldest is not None


def test_without_thresholds_or_arrears_nothing_is_weighed() -> None:
    assert why([bill()], 40).weighed is None
    assert why([bill()], 31, EU).weighed is None
    assert why([bill()], 32, EU).weighed is not None


def test_of_several_pauses_those_are_named_that_fall_into_the_time_it_is_late() -> None:
    pauses = [f.Paused("p1", day(20), day(31)), f.Paused("p2", day(40), day(42)), f.Paused("p3", day(50), day(60))]
    assert why([bill(), *pauses], 50).excluded == (Excluded("paused", 2, ((day(40), day(42)),)),)


def test_a_share_of_the_exposure_is_cut_to_whole_units() -> None:
    weighed = why([bill()], 40, EU, 50_050).weighed
    assert weighed is not None
    assert str(weighed.share_minor) == "500"


def test_a_classification_by_days_past_due_takes_them_as_the_policy_counts_them() -> None:
    told = why([bill("b1", 6_000), bill("b2", 6_000, due=61)], 70, rules("eu-default", "ifrs9"))
    assert [(label.name, label.days, told.days) for label in told.classifications] == [("ifrs9", 9, 9)]


def test_the_days_of_a_label_begin_where_its_own_thresholds_are_passed() -> None:
    scale = Scale((Band("fine", 0), Band("default", 20)))
    counted = Classification("counted", 1, scale, 20, Materiality({"EUR": 7_000}), Probation(1, 1))
    (label,) = why([bill("b1", 6_000), bill("b2", 6_000, due=61)], 70, Rules(policy(), (counted,))).classifications
    assert (label.days, label.since, label.held) == (9, day(62), None)


def test_a_label_is_held_from_the_very_day_that_its_days_are_reached() -> None:
    for paid_on, held in ((121, None), (122, "until_arrears_are_paid")):
        (label,) = why([bill("b1"), bill("b2", due=100), repaid(on=paid_on)], paid_on, RBI).classifications
        assert label.held == held
