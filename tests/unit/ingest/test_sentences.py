"""Each sentence of an explanation, word by word: people read them, and so may not find another wording by accident."""

from dataclasses import replace

import pytest

from services.ingest.domain.explanation import Classified, Excluded, Explanation, Met, OldestOverdue, Weighed
from services.ingest.domain.sentences import in_words
from tests.unit.ingest.cases import day

OLDEST = OldestOverdue("b1", "instalment", 10_000, 0, 10_000, day(1), day(31), day(32), ())
NOTHING = Explanation(
    as_of=day(40), currency="EUR", state="open", bucket="current", overdue="day_after", oldest=None,
    overdue_obligations=0, arrears_minor=0, exposure_minor=50_000, late_days=0, days=0, excluded=(),
    within_tolerance=(), reaged=(), weighed=None, classifications=(),
)  # fmt: skip
LATE = replace(NOTHING, bucket="1-29", oldest=OLDEST, overdue_obligations=1, arrears_minor=10_000, late_days=9, days=9)
LABEL = Classified("ifrs9", 1, "stage-2", "days_past_due", 45, 31, 90, day(32), None, None, "")


def after(lead: str, of: Explanation) -> str:
    """What is said after this."""
    said = in_words(of)
    assert said.startswith(lead)
    return said.removeprefix(lead)


@pytest.mark.parametrize(
    ("of", "sentence"),
    [
        (NOTHING, "On 2021-02-09 nothing is overdue: the account is in bucket current."),
        (
            replace(NOTHING, state="closed", arrears_minor=5),
            "On 2021-02-09 the account is closed: it owes nothing and has no days.",
        ),
        (
            replace(NOTHING, arrears_minor=700, within_tolerance=("b1", "b2")),
            "On 2021-02-09 7.00 EUR is overdue but ages nothing: what is missing of b1, b2 is within the tolerance "
            "that counts as paid in full.",
        ),
        (
            replace(NOTHING, reaged=("b1", "b2")),
            "On 2021-02-09 nothing is overdue: the account is in bucket current. A re-age took out of arrears: b1, b2.",
        ),
    ],
)
def test_where_nothing_ages_the_account(of: Explanation, sentence: str) -> None:
    assert in_words(of) == sentence


def test_the_oldest_obligation_and_the_sum() -> None:
    assert in_words(LATE) == (
        "On 2021-02-09 the account is 9 days past due, in bucket 1-29. Its oldest overdue obligation is b1 "
        "(instalment) of 100.00 EUR, due on 2021-01-31: nothing of it is repaid; 100.00 EUR is unpaid. It is 9 days "
        "late (overdue from the day after). Arrears are 100.00 EUR."
    )
    met = replace(OLDEST, unpaid_minor=9_700, met_by=(Met("r1", 100, day(2)), Met("r2", 200, day(3))))
    assert in_words(replace(LATE, days=1, oldest=met, overdue_obligations=2, arrears_minor=9_701)) == (
        "On 2021-02-09 the account is 1 day past due, in bucket 1-29. Its oldest overdue obligation is b1 (instalment) "
        "of 100.00 EUR, due on 2021-01-31: repaid 1.00 EUR by r1 on 2021-01-02, 2.00 EUR by r2 on 2021-01-03; 97.00 "
        "EUR is unpaid. It is 9 days late (overdue from the day after). Arrears are 97.01 EUR in 2 overdue obligations."
    )


PAUSED = Excluded("paused", 3, ((day(33), day(34)), (day(36), day(38))))


@pytest.mark.parametrize(
    ("of", "sentence"),
    [
        (replace(LATE, overdue="due_day"), "It is 9 days late (a day-end on the due date is overdue)."),
        (
            replace(LATE, overdue="due_day", oldest=replace(OLDEST, kind="chargeback")),
            "It is 9 days late (a chargeback is overdue from the day after).",
        ),
        (
            replace(LATE, days=6, excluded=(PAUSED,)),
            "It is 9 days late (overdue from the day after); 3 days paused (from 2021-02-02 until 2021-02-03, from "
            "2021-02-05 until 2021-02-07) do not count, so 6 days count.",
        ),
        (
            replace(LATE, days=1, excluded=(Excluded("grace", 1), Excluded("not_material", 7))),
            "It is 9 days late (overdue from the day after); 1 day of grace do not count and 7 days without material "
            "arrears up to then do not count, so 1 day count.",
        ),
    ],
)
def test_how_the_days_are_counted(of: Explanation, sentence: str) -> None:
    assert f"100.00 EUR is unpaid. {sentence} Arrears are" in in_words(of)


@pytest.mark.parametrize(
    ("weighed", "sentence"),
    [
        (
            Weighed(10_000, 500, 150, False, None),
            "That is not above both 100.00 EUR and 1.5 % of the exposure of 500.00 EUR: it is not material.",
        ),
        (
            Weighed(5_000, 500, 100, True, day(33)),
            "That is above both 50.00 EUR and 1 % of the exposure of 500.00 EUR without a break since 2021-02-02: it "
            "is material.",
        ),
        (
            Weighed(5_000, 500, 100, True, None),
            "That is above both 50.00 EUR and 1 % of the exposure of 500.00 EUR: it is material.",
        ),
    ],
)
def test_how_arrears_are_weighed(weighed: Weighed, sentence: str) -> None:
    assert after(in_words(LATE), replace(LATE, weighed=weighed)) == f" {sentence}"


CONSECUTIVE = replace(LABEL, counts="consecutive_material_days")


@pytest.mark.parametrize(
    ("label", "sentence"),
    [
        (LABEL, "ifrs9 says stage-2: 31 to 90 days past due; there are 45."),
        (replace(LABEL, citation="IFRS 9"), "ifrs9 says stage-2: 31 to 90 days past due; there are 45 (IFRS 9)."),
        (replace(LABEL, to_days=None), "ifrs9 says stage-2: 31 days past due or more; there are 45."),
        (replace(LABEL, from_days=0, to_days=0, days=0), "ifrs9 says stage-2: no days past due; there are 0."),
        (CONSECUTIVE, "ifrs9 says stage-2: 31 to 90 consecutive days of material arrears; there are 45."),
        (
            replace(LABEL, held="until_arrears_are_paid"),
            "ifrs9 says stage-2: 31 to 90 days past due, reached before and kept until all arrears are paid.",
        ),
        (
            replace(LABEL, held="probation", leaves_on=day(99)),
            "ifrs9 says stage-2: 31 to 90 days past due, reached before and kept through a probation, which ends on "
            "2021-04-09 if nothing happens.",
        ),
        (
            replace(CONSECUTIVE, held="probation"),
            "ifrs9 says stage-2: 31 to 90 consecutive days of material arrears, reached before and kept through a "
            "probation.",
        ),
    ],
)
def test_what_set_a_label(label: Classified, sentence: str) -> None:
    assert after(in_words(LATE), replace(LATE, classifications=(label, label))) == f" {sentence} {sentence}"
