"""What a stretch of days adds to the days before it: runs, the worst, labels, and when something changes next."""

from dataclasses import replace
from datetime import date

import pytest

from services.ingest.domain.counters import Counter
from services.ingest.domain.pauses import FOREVER, Ageing, Pauses
from services.ingest.domain.policy import Band, Classification, Materiality, Probation, Rules, Scale
from services.ingest.domain.spells import NO_SPELL, Course, Spell, Stretch
from tests.unit.ingest.cases import day, policy

SCALE = Scale((Band("fine", 0), Band("default", 5)))
TRIAL = Classification("trial", 1, SCALE, 5, None, Probation(1, 3))
COUNTED = Classification("counted", 1, SCALE, 5, Materiality({"EUR": 50}), Probation(1, 3))
BY_PARTS = Rules(policy(), (COUNTED, Classification("plain", 1, SCALE), TRIAL))
CONSECUTIVE = Rules(replace(policy(), materiality=Materiality({"EUR": 50})))


def at(number: int) -> int:
    return day(number).toordinal()


OLDEST = Ageing(at(10), at(11))


def course(by: Rules | None = None, *spans: tuple[int, int]) -> Course:
    return Course(by or Rules(policy()), "EUR", Pauses(spans))


def late(first: int, last: int, age: int | None = None, arrears: int = 100, oldest: Ageing = OLDEST) -> Stretch:
    age = at(last) - oldest.overdue_from + 1 if age is None else age
    return Stretch(at(first), at(last), age, oldest, arrears, 900, False, False)


def quiet(first: int, last: int) -> Stretch:
    return Stretch(at(first), at(last), 0, None, 0, 900, False, False)


def test_a_run_of_days_begins_with_the_first_that_counts() -> None:
    assert course().after(NO_SPELL, late(11, 14)) == Spell(day(11), 4)
    assert course().after(NO_SPELL, late(12, 14)) == Spell(day(12), 4)
    graced = course(Rules(replace(policy(), grace_days=2)))
    assert graced.after(NO_SPELL, late(11, 14, age=2)) == Spell(day(13), 2)
    assert graced.after(NO_SPELL, late(11, 12, age=0)) is NO_SPELL


def test_a_run_goes_on_if_the_oldest_counts_from_the_first_day_and_begins_anew_if_later() -> None:
    before = Spell(day(2), 9)
    for first, since in ((12, day(2)), (11, day(2)), (10, day(11))):
        assert course().after(before, late(first, 14)) == Spell(since, 9)


def test_the_worst_is_kept_while_something_is_in_arrears() -> None:
    assert course().after(Spell(day(2), 3), late(12, 14)).worst_days == 4
    within_tolerance = Stretch(at(12), at(14), 0, None, 5, 900, False, False)
    assert course().after(Spell(day(2), 9), within_tolerance) == Spell(None, 9)
    assert course().after(Spell(day(2), 9), quiet(12, 14)) is NO_SPELL
    assert course().after(Spell(day(2), 9), late(12, 14)._replace(closed=True)) is NO_SPELL


def test_days_before_arrears_were_material_are_not_counted() -> None:
    by = course(CONSECUTIVE, (at(14), at(15)))
    assert by.after(NO_SPELL, late(11, 12, arrears=50)) is NO_SPELL
    begun = by.after(NO_SPELL, late(13, 13))
    assert begun == Spell(day(13), 1)
    assert by.after(begun, late(14, 16, age=5)) == Spell(day(13), 3)
    assert by.days(late(16, 16, age=5), day(13)) == 3
    assert by.days(late(16, 16, age=2), day(13)) == 2
    assert by.days(late(16, 16, age=5), None) == 0
    not_consecutive = Rules(replace(policy(), materiality=Materiality({"EUR": 50}, 0, False)))
    assert course(not_consecutive).days(late(16, 16), None) == 6


def test_each_classification_counts_for_itself() -> None:
    by = course(BY_PARTS)
    small = by.after(NO_SPELL, late(11, 12, arrears=50))
    assert small == Spell(day(11), 2, (Counter(), Counter(since=at(11))))
    large = by.after(small, late(13, 16))
    assert large == Spell(day(11), 6, (Counter(since=at(13)), Counter(since=at(11), held=True)))
    assert by.names(late(16, 16), large) == ("1-29", (("counted", "fine"), ("plain", "default"), ("trial", "default")))
    later = by.after(large, late(17, 17))
    assert by.names(late(17, 17), later)[1] == (("counted", "default"), ("plain", "default"), ("trial", "default"))
    cured = by.after(later, quiet(18, 20))
    held = Counter(held=True, quiet_since=at(18))
    assert cured == Spell(None, 0, (held, held))
    assert by.names(quiet(20, 20), cured) == (
        "current",
        (("counted", "default"), ("plain", "fine"), ("trial", "default")),
    )
    assert by.names(quiet(20, 20), NO_SPELL)[1] == (("counted", "fine"), ("plain", "fine"), ("trial", "fine"))
    assert by.after(cured, quiet(21, 60)) is NO_SPELL


def test_a_re_age_is_counted_where_a_label_is_held() -> None:
    by = course(BY_PARTS)
    held = Spell(day(11), 6, (Counter(since=at(13)), Counter(since=at(11), held=True)))
    reaged = quiet(18, 20)._replace(reaged=True)
    assert by.after(held, reaged).counters == (Counter(), Counter(None, True, at(18), at(18)))


def test_what_a_classification_counts() -> None:
    by = course(BY_PARTS, (at(14), at(15)))
    assert by.counted(TRIAL, at(12), at(16), 77) == 77
    assert by.counted(COUNTED, at(12), at(16), 77) == 4
    assert by.counted(COUNTED, None, at(16), 77) == 0


def test_onward_only_age_grows() -> None:
    graced = course(Rules(replace(policy(), grace_days=2)), (at(14), at(15)))
    today = late(12, 12, age=0)._replace(reaged=True)
    assert graced.onward(today, at(16)) == late(13, 16, age=3)
    assert graced.onward(late(5, 5, age=0), at(11)).age == 0
    assert graced.onward(quiet(12, 12), at(16)) == quiet(13, 16)


@pytest.mark.parametrize(
    ("today", "until", "changes"),
    [
        (10, None, 11),  # delinquency
        (11, None, 15),  # "plain" and "trial" at five days
        (15, None, 40),  # the bucket at thirty
        (11, 15, None),
        (11, 16, 15),
    ],
)
def test_the_next_change_is_the_first_day_with_another_name(today: int, until: int | None, changes: int | None) -> None:
    by = course(Rules(policy(), (Classification("plain", 1, SCALE), TRIAL)))
    spell = by.after(NO_SPELL, late(10, today, age=today - 10)) if today > 10 else NO_SPELL
    found = by.changes_on(late(today, today, age=today - 10), spell, None if until is None else at(until))
    assert found == (None if changes is None else at(changes))


def test_a_probation_that_ends_is_a_change_of_its_day() -> None:
    by = course(BY_PARTS)
    held = Counter(held=True, quiet_since=date(2021, 1, 31).toordinal())
    spell = Spell(None, 0, (Counter(), held))
    ends = date(2021, 2, 28).toordinal()
    assert by.changes_on(quiet(40, 40), spell, None) == ends
    assert by.changes_on(quiet(40, 40), spell, ends) is None
    assert by.changes_on(quiet(40, 40), NO_SPELL, None) is None


def test_consecutive_days_change_names_by_their_own_beginning() -> None:
    by = course(CONSECUTIVE)
    spell = by.after(NO_SPELL, late(20, 20))
    assert spell == Spell(day(20), 1)
    assert by.changes_on(late(20, 20), spell, None) == at(49)
    counted = course(BY_PARTS)
    before = Spell(day(11), 9, (Counter(since=at(18)), Counter(since=at(11), held=True)))
    assert counted.changes_on(late(19, 19), before, None) == at(22)


def test_in_a_pause_without_end_nothing_changes() -> None:
    by = course(None, (at(12), FOREVER))
    assert by.changes_on(late(13, 13, age=2), Spell(day(11), 2), None) is None
    assert course(None, (at(10), FOREVER)).changes_on(late(10, 10, age=0), NO_SPELL, None) is None


@pytest.mark.parametrize(("grace", "begins"), [(0, 11), (2, 13)])
def test_delinquency_begins_where_no_name_changes(grace: int, begins: int) -> None:
    coarse = Scale((Band("fine", 0), Band("late", 30)))
    by = course(Rules(replace(policy(), buckets=coarse, grace_days=grace)))
    assert by.changes_on(late(10, 10, age=0), NO_SPELL, None) == at(begins)
    assert by.changes_on(late(begins, begins, age=1), Spell(day(begins), 1), None) == at(begins + 29)


def test_a_label_below_the_held_one_goes_by_the_days_counted() -> None:
    scale = Scale((Band("fine", 0), Band("watch", 2), Band("default", 5)))
    by = course(Rules(policy(), (replace(COUNTED, labels=scale),)))
    spell = Spell(day(11), 9, (Counter(since=at(18)),))
    assert [by.names(late(on, on), spell)[1] for on in (18, 19)] == [(("counted", "fine"),), (("counted", "watch"),)]


def test_without_thresholds_of_its_own_a_classification_counts_no_day_that_is_not_past_due() -> None:
    by = course(Rules(CONSECUTIVE.policy, (TRIAL,)))
    assert by.after(NO_SPELL, late(11, 12, arrears=50)) is NO_SPELL
    assert by.after(NO_SPELL, late(11, 11)).counters == (Counter(since=at(11)),)
