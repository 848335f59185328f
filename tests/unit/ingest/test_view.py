"""The ledger laid open, every field of every line."""

from services.ingest.domain import facts as f
from services.ingest.domain.view import LedgerView, ObligationLine, RepaymentLine, ledger_view
from tests.unit.ingest.cases import bill, day, opened, repaid, rules

FACTS: list[f.Fact] = [
    opened(), bill("b1", 100, due=31, issued=2), bill("b2", 50, due=45, issued=3), bill("b3", 9, due=90, issued=41),
    repaid("r2", 30, on=25), repaid("r1", 80, on=25), repaid("r3", 7, on=20), f.Reversed("r3", day(27)),
    f.ChargedBack("r2", day(40)), repaid("r4", 6, on=51), repaid("r5", 1, on=47), f.ChargedBack("r5", day(60)),
    f.Reaged("g1", day(46)), bill("b0", 4, due=46, issued=1),
]  # fmt: skip


def test_each_line_has_all_its_fields() -> None:
    assert ledger_view(FACTS, rules(), day(50)) == LedgerView(
        day(50),
        (
            ObligationLine("b1", "instalment", 100, day(2), day(31), 100, 0, False, False, (("r1", 80), ("r2", 20))),
            ObligationLine("chargeback:r2", "chargeback", 30, day(40), day(40), 10, 20, False, True, (("r2", 10),)),
            ObligationLine("b2", "instalment", 50, day(3), day(45), 0, 50, False, True, ()),
            ObligationLine("b0", "instalment", 4, day(1), day(46), 1, 3, True, False, (("r5", 1),)),
            ObligationLine("b3", "instalment", 9, day(41), day(90), 0, 9, False, False, ()),
        ),
        (
            RepaymentLine("r3", 7, day(20), "reversed", 0, ()),
            RepaymentLine("r1", 80, day(25), "counted", 0, (("b1", 80),)),
            RepaymentLine("r2", 30, day(25), "charged_back", 0, (("b1", 20), ("chargeback:r2", 10))),
            RepaymentLine("r5", 1, day(47), "counted", 0, (("b0", 1),)),
            RepaymentLine("r4", 6, day(51), "post_dated", 0, ()),
        ),
    )


def test_what_is_left_of_a_repayment_is_shown() -> None:
    (line,) = ledger_view([opened(), bill(amount=40), repaid(amount=70)], rules(), day(31)).repayments
    assert (line.state, line.unallocated_minor, line.allocations) == ("counted", 30, (("b1", 40),))


def test_from_its_date_on_a_repayment_counts_and_a_chargeback_shows() -> None:
    facts: list[f.Fact] = [opened(), repaid("r1", 5, on=20), f.ChargedBack("r1", day(30))]
    states = [ledger_view(facts, rules(), day(on)).repayments[0].state for on in (19, 20, 29, 30)]
    assert states == ["post_dated", "counted", "counted", "charged_back"]


def test_on_a_closed_account_nothing_is_overdue() -> None:
    facts: list[f.Fact] = [opened(), bill(), f.Closed(day(40))]
    overdue = [ledger_view(facts, rules(), day(on)).obligations[0].overdue for on in (31, 32, 39, 40)]
    assert overdue == [False, True, True, False]


def test_what_owes_nothing_takes_nothing() -> None:
    facts: list[f.Fact] = [opened(), bill("b1", 10, due=20), bill("b2", 0, due=25), bill("b3", 10), repaid(amount=15)]
    view = ledger_view(facts, rules(), day(40))
    assert [(line.id, line.allocations) for line in view.obligations] == [
        ("b1", (("r1", 10),)),
        ("b2", ()),
        ("b3", (("r1", 5),)),
    ]
    assert view.repayments[0].allocations == (("b1", 10), ("b3", 5))


def test_a_second_re_age_leaves_what_the_first_took_out_with_its_money() -> None:
    facts: list[f.Fact] = [
        opened(), bill("b1", 100, due=10), repaid("r1", 40, on=5), f.Reaged("g1", day(15)),
        bill("b2", 50, due=20), repaid("r2", 30, on=18), f.Reaged("g2", day(25)), bill("b3", 9, due=30),
        repaid("r3", 4, on=26),
    ]  # fmt: skip
    view = ledger_view(facts, rules(), day(40))
    assert [(line.id, line.reaged, line.allocations) for line in view.obligations] == [
        ("b1", True, (("r1", 40),)),
        ("b2", True, (("r2", 30),)),
        ("b3", False, (("r3", 4),)),
    ]
    assert [(line.id, line.unallocated_minor) for line in view.repayments] == [("r1", 0), ("r2", 0), ("r3", 0)]


def test_each_repayment_meets_the_first_that_those_before_it_left_open() -> None:
    months = range(1, 5)
    owed = [bill(f"b{n}", 10, due=10 * n) for n in months]
    view = ledger_view([opened(), *owed, *[repaid(f"r{n}", 10, on=n) for n in months]], rules(), day(50))
    assert [line.allocations for line in view.obligations] == [((f"r{n}", 10),) for n in months]
