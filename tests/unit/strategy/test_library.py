"""Strategies as data: the shipped ones are sound, and a mistake is named with its file and place."""

import itertools
from pathlib import Path

import pytest

from services.strategy.library import read_library
from services.strategy.settings import SHIPPED
from shared.vocabulary.errors import Misconfigured
from tests.unit.strategy.cases import MONDAY, Story, contacted, day, owes, steps

GOOD = """
name: good
version: 3
arrears_floor: {default: 10, JPY: "900"}
steps:
  - name: first
    rule: Something is overdue, so write.
    do: {channel: sms, template: reminder}
  - name: second
    rule: Still overdue after a while, so call.
    when: {after: [{step: first, days: 4}]}
    do: {channel: call, template: call}
"""


def folder(path: Path, strategy: str = GOOD, assignments: str = "- strategy: good") -> Path:
    """A folder with one strategy."""
    (path / "good.yaml").write_text(strategy)
    (path / "assignments.yaml").write_text(assignments)
    return path


def test_a_strategy_is_read_as_written(tmp_path: Path) -> None:
    good = read_library(folder(tmp_path)).book.strategies["good"]
    assert (good.version, good.decide) == (3, "at_day_end")
    assert (good.arrears_floor.minor("EUR"), good.arrears_floor.minor("JPY")) == (1_000, 900)
    assert good.steps[1].when.after[0].days == 4


@pytest.mark.parametrize(
    ("wrong", "instead", "place"),
    [
        ("version: 3", "version: 0", "good.yaml: version"),
        ("version: 3", "", "good.yaml: version"),
        ("channel: call", "channel: pigeon", "good.yaml: steps.1.do.channel"),
        ("step: first, days: 4", "step: frist, days: 4", "good.yaml: steps.1.when: there is no step frist"),
        ("step: first, days: 4", "step: first, day: 4", "good.yaml: steps.1.when.after.0.day"),
        ("name: second", "name: first", "good.yaml: steps.1.name"),
        ("{default: 10", "{default: 10.5", "good.yaml: arrears_floor"),
        ('JPY: "900"', 'JPY: "900.5"', "good.yaml: arrears_floor: JPY has 0 decimals"),
        ('JPY: "900"', 'XXY: "900"', "good.yaml: arrears_floor"),
        ("name: good", "name: [", "good.yaml: not YAML"),
        ("when: {after", "when: {days_past_due: {from: 9, to: 3}, after", "good.yaml: steps.1.when.days_past_due"),
    ],
)
def test_a_mistake_is_named_with_its_place(tmp_path: Path, wrong: str, instead: str, place: str) -> None:
    assert wrong in GOOD
    with pytest.raises(Misconfigured) as refused:
        read_library(folder(tmp_path, GOOD.replace(wrong, instead)))
    assert place in str(refused.value)


def test_every_case_must_get_a_strategy(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="the last line has to take every case"):
        read_library(folder(tmp_path, assignments="- {strategy: good, products: [card]}"))
    with pytest.raises(Misconfigured, match="there is no strategy other"):
        read_library(folder(tmp_path, assignments="- strategy: other"))


def test_products_choose_the_strategy_and_a_setting_the_rest() -> None:
    book = read_library(SHIPPED, fallback="prompt").book
    assert book.for_products(frozenset({"anything"})).name == "prompt"
    with pytest.raises(Misconfigured, match="there is no strategy nobody"):
        read_library(SHIPPED, fallback="nobody")


def test_the_default_strategy_grows_firmer_with_age() -> None:
    story = Story(read_library(SHIPPED).book)
    story.learn(owes(1, MONDAY, dpd=1))
    taken = []
    rolls = {29: 30, 59: 60, 89: 90, 119: 120, 149: 150, 179: 180}
    for number in range(200):
        if number in rolls:
            story.learn(owes(number, day(number), dpd=rolls[number]))
        for event in story.end(day(number)):
            taken += steps([event])
            if type(event).__name__ == "Treated":
                story.learn(contacted(event.treatment.contact_id, day(number + 1)))  # type: ignore[union-attr]  # checked
    names = [step for step, _ in taken]
    assert taken[0] == ("early-reminder", day(2))
    order = ["early-reminder", "email-reminder", "early-call", "firm-email", "firm-call", "late-call", "final-email"]
    assert [names.index(step) for step in order] == sorted(names.index(step) for step in order)
    contact_days = [on for _, on in taken]
    gaps = [(later - earlier).days for earlier, later in itertools.pairwise(contact_days)]
    assert min(gaps) >= 3
    assert len(taken) < 45
