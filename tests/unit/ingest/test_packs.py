"""Packs as written: the shipped ones load, and a fault is refused with the file and the place."""

from pathlib import Path

import pytest

from services.ingest.domain.policy import Band, Materiality, Scale
from services.ingest.packs import load
from shared.vocabulary.errors import Misconfigured, Rejected
from tests.unit.ingest.cases import PACKS, opened, rules

AGEING = """
name: mine
version: 2
ageing:
  surplus: settles_balance
  overdue: due_day
  grace_days: 3
  full_payment_tolerance_bp: 1000
  materiality: {absolute: {EUR: "100.00", JPY: "100"}, relative_bp: 100}
  buckets:
    - {name: current, from: 0, to: 4}
    - {name: late, from: 5}
"""


def read(folder: Path, text: str) -> None:
    (folder / "mine.yaml").write_text(text, encoding="utf-8")
    load(folder)


def test_a_lenders_own_pack_is_read_as_written(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(AGEING, encoding="utf-8")
    policy = load(tmp_path).rules("mine", ()).policy
    assert (policy.name, policy.version, policy.surplus, policy.overdue) == ("mine", 2, "settles_balance", "due_day")
    assert (policy.grace_days, policy.full_payment_tolerance_bp) == (3, 1_000)
    assert policy.materiality == Materiality({"EUR": 10_000, "JPY": 100}, 100)
    assert policy.buckets == Scale((Band("current", 0), Band("late", 5)))


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("from: 5", "from: 6", "mine.yaml: ageing.buckets.1.from: current ends at 4, late begins at 6 and leaves a"),
        ("from: 5", "from: 4", "mine.yaml: ageing.buckets.1.from: current ends at 4, late begins at 4 and leaves an"),
        ("from: 5", "from: 5, to: 9", "mine.yaml: ageing.buckets.1.to: the last range has no end, late has one"),
        ("to: 4", "to: -1", "mine.yaml: ageing.buckets.0.to: Input should be greater than or equal to 0"),
        ("from: 0, to: 4", "from: 1, to: 4", "mine.yaml: ageing.buckets.0.from: the first range begins at 0 days"),
        (", to: 4", "", "mine.yaml: ageing.buckets.0.to: only the last range has no end"),
        ("from: 0, to: 4", "from: 3, to: 2", "mine.yaml: ageing.buckets.0.to: current: `to` is before `from`"),
        ("name: late", "name: current", "mine.yaml: ageing.buckets.1.name: two ranges are called current"),
        ('"100.00"', '"100.001"', "mine.yaml: ageing.materiality.absolute.EUR: EUR has 2 decimals"),
        ("EUR:", "XXX:", "mine.yaml: ageing.materiality.absolute.XXX: not an ISO 4217 currency"),
        ("due_day", "someday", "mine.yaml: ageing.overdue: Input should be 'day_after' or 'due_day'"),
        ("grace_days", "graze_days", "mine.yaml: ageing.graze_days: Extra inputs are not permitted"),
        ("bp: 1000", "bp: 10000", "mine.yaml: ageing.full_payment_tolerance_bp: Input should be less than 10000"),
        ("version: 2", "version: two", "mine.yaml: version: Input should be a valid integer"),
        ('{EUR: "100.00", JPY: "100"}, relative_bp: 100', "{}", "mine.yaml: ageing.materiality: expected an amount"),
        ('"100.00"', '"-1.00"', "mine.yaml: ageing.materiality.absolute.EUR: the amount may not be negative"),
        ("version: 2", "version: 2\nversion: 3", "mine.yaml: not YAML: version is written twice"),
        ("version: 2", "version: 0", "mine.yaml: version: Input should be greater than or equal to 1"),
        ("name: mine", "name: [", "mine.yaml: not YAML: "),
    ],
)
def test_a_fault_is_refused_with_its_place(tmp_path: Path, old: str, new: str, complaint: str) -> None:
    assert old in AGEING
    with pytest.raises(Misconfigured) as refusal:
        read(tmp_path, AGEING.replace(old, new, 1))
    assert str(refusal.value).startswith(complaint)


def test_a_pack_says_something_and_a_held_label_exists(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="expected `ageing`, `classification` or both"):
        read(tmp_path, "name: mine\nversion: 1\n")
    held = "classification:\n  labels: [{name: fine, from: 0}]\n  held_until_arrears_are_paid: bad\n"
    with pytest.raises(Misconfigured, match="no label is called bad"):
        read(tmp_path, f"name: mine\nversion: 1\n{held}")


CLASSES = """
name: mine
version: 1
classification:
  materiality: {absolute: {EUR: "100.00"}}
  labels: [{name: fine, from: 0, to: 9}, {name: bad, from: 10}]
  probation: {label: bad, months: 3, months_after_reage: 12}
"""


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("label: bad", "label: worse", "probation.label: no label is called worse"),
        ("label: bad", "label: fine", "probation.label: fine holds from 0 days on: it could never be left"),
        ("reage: 12", "reage: 2", "probation.months_after_reage: 2 is less than `months`, 3"),
        ("months: 3", "months: 0", "probation.months: Input should be greater than or equal to 1"),
        ("  probation", "  held_until_arrears_are_paid: bad\n  probation", "probation: contradicts held_until"),
        ('"100.00"}', '"100.00"}, consecutive_days: false', "materiality.consecutive_days: a classification with"),
        ("from: 10", "from: 11", "labels.1.from: fine ends at 9, bad begins at 11 and leaves a gap"),
    ],
)
def test_a_classification_that_contradicts_itself_is_refused(
    tmp_path: Path, old: str, new: str, complaint: str
) -> None:
    assert CLASSES.count(old) == 1
    read(tmp_path, CLASSES)
    with pytest.raises(Misconfigured) as refusal:
        read(tmp_path, CLASSES.replace(old, new))
    assert str(refusal.value).startswith(f"mine.yaml: classification.{complaint}")


def test_two_files_may_not_share_a_name(tmp_path: Path) -> None:
    (tmp_path / "first.yaml").write_text(AGEING, encoding="utf-8")
    with pytest.raises(Misconfigured, match=r"mine.yaml: name: first.yaml is called mine too"):
        read(tmp_path, AGEING)


def test_the_shipped_packs_are_described_as_written() -> None:
    described = {pack["name"]: pack for pack in PACKS.described()}
    assert len(PACKS) == len(described)
    assert set(described) == {
        "instalment", "card-minimum-payment", "in-rbi", "cn-five-tier", "us-ffiec", "us-ffiec-open-end", "ifrs9",
        "eu-default",
    }  # fmt: skip
    assert described["in-rbi"]["ageing"]["overdue"] == "due_day"
    assert described["ifrs9"]["classification"]["labels"][0] == {"name": "stage-1", "from": 0, "to": 30}


def test_unknown_names_are_refused() -> None:
    assert PACKS.unknown(opened()) is None
    assert PACKS.unknown(opened(rules("instalment", "ifrs9"))) is None
    for policy, classes, word in (("nope", (), "age"), ("ifrs9", (), "age"), ("instalment", ("instalment",), "class")):
        with pytest.raises(Rejected, match="unknown_policy") as refusal:
            PACKS.rules(policy, classes)
        assert word in refusal.value.detail


@pytest.mark.parametrize("bands", [(), (Band("a", 1),), (Band("a", 0), Band("b", 0)), (Band("a", 0), Band("a", 1))])
def test_a_scale_covers_every_day_once(bands: tuple[Band, ...]) -> None:
    with pytest.raises(ValueError, match="band"):
        Scale(bands)
