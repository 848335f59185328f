"""What one day's facts come to, and the spell that ends there."""

import weakref
from dataclasses import replace

from services.ingest.domain import facts as f
from services.ingest.domain.figures import Figures, figures_on, spell_until, stretch
from services.ingest.domain.known import Known
from services.ingest.domain.pauses import Ageing
from services.ingest.domain.policy import Materiality, Rules
from services.ingest.domain.spells import NO_SPELL, Spell, Stretch
from tests.unit.ingest.cases import bill, day, opened, policy, repaid

OLDEST = Ageing(day(31).toordinal(), day(32).toordinal())
LATE: list[f.Fact] = [opened(), bill(), bill("b2", 5, due=61), repaid("r1", 4_000, on=40)]


def test_the_figures_of_a_day() -> None:
    known = Known([*LATE, f.Closed(day(70))])
    assert figures_on(known, policy(), day(31)) == Figures(0, 0, 100_000, True, None, "open")
    assert figures_on(known, policy(), day(32)) == Figures(1, 10_000, 100_000, True, OLDEST, "open")
    assert figures_on(known, policy(), day(62)) == Figures(31, 6_005, 100_000, True, OLDEST, "open")
    assert figures_on(known, policy(), day(70)) == Figures(0, 0, 0, False, None, "closed")


def test_each_policy_has_its_own_figures_of_the_same_facts() -> None:
    known, strict = Known(LATE), policy()
    lenient = replace(strict, grace_days=5, materiality=Materiality({"EUR": 6_000}))
    assert figures_on(known, strict, day(40)) == Figures(9, 6_000, 100_000, True, OLDEST, "open")
    assert figures_on(known, lenient, day(40)) == Figures(4, 6_000, 100_000, False, OLDEST, "open")
    assert [figures_on(known, by, day(40)).delinquent for by in (strict, lenient)] == [True, False]


def test_what_was_figured_of_facts_does_not_keep_them() -> None:
    known = Known(LATE)
    figures_on(known, policy(), day(40))
    gone = weakref.ref(known)  # garbage is not collected among tests
    del known
    assert gone() is None


def test_a_stretch_is_what_its_last_day_is_and_re_aged_on_its_first() -> None:
    known = Known([*LATE, f.Reaged("g1", day(45)), f.Closed(day(70))])
    first, last = day(33).toordinal(), day(35).toordinal()
    assert stretch(known, policy(), day(33), day(35)) == Stretch(first, last, 4, OLDEST, 10_000, 100_000, False, False)
    assert stretch(known, policy(), day(45), day(46)).reaged
    assert not stretch(known, policy(), day(44), day(45)).reaged
    assert [stretch(known, policy(), day(on), day(on)).closed for on in (69, 70)] == [False, True]


def test_a_spell_goes_back_to_the_last_day_without_arrears() -> None:
    facts = [*LATE, repaid("r2", 6_000, on=50)]
    known, rules = Known(facts), Rules(policy())
    spells = {on: spell_until(known, rules, day(on)) for on in (31, 32, 49, 50, 61, 62, 65)}
    assert spells == {
        31: NO_SPELL, 32: Spell(day(32), 1), 49: Spell(day(32), 18), 50: NO_SPELL, 61: NO_SPELL, 62: Spell(day(62), 1),
        65: Spell(day(62), 4),
    }  # fmt: skip
