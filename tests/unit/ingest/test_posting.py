"""What the compact ledger takes on by itself and what it leaves to history, rule by rule and at the edge of the day."""

from dataclasses import replace

import pytest

from services.ingest.domain import facts as f
from services.ingest.domain.ledger import HistoryNeeded, Ledger
from services.ingest.domain.posting import Posting
from tests.unit.ingest.cases import bill, day, policy, repaid

DAY = day(40).toordinal()


def posting(*posted: f.Fact, clean: bool = True, weighs: bool = False, by: str = "instalment", on: int = 40) -> Posting:
    """A ledger with these facts, then on the day."""
    at = Posting(Ledger(), policy(by), day(1).toordinal(), True)
    for fact in posted:
        at.post(fact)
    return replace(at, day=day(on).toordinal(), clean_eve=clean, weighs_exposure=weighs)


def refuses(at: Posting, fact: f.Fact) -> bool:
    before = at.ledger.pack()
    try:
        at.post(fact)
    except HistoryNeeded:
        assert at.ledger.pack() == before
        return True
    return False


def kept(at: Posting) -> list[tuple[str, int, int]]:
    return [(due.id, due.amount_minor, due.paid_minor) for due in at.ledger.open]


@pytest.mark.parametrize(("by", "first"), [("instalment", 39), ("in-rbi", 40)])
def test_a_bill_is_taken_on_from_the_first_due_date_that_is_not_overdue_before_the_day(by: str, first: int) -> None:
    assert refuses(posting(by=by), bill(due=first - 1))
    at = posting(by=by)
    assert not refuses(at, bill("b7", 9, due=first, issued=3))
    (due,) = at.ledger.open
    assert due.pack() == [day(first).toordinal(), day(3).toordinal(), "b7", 9, 0, 40 - first]
    assert not due.adjusted


def test_a_bill_of_nothing_is_not_kept() -> None:
    at = posting()
    assert not refuses(at, bill(amount=0, due=50))
    assert at.ledger.open == []
    paid_ahead = posting(bill("b5", due=60), repaid(amount=1, on=1))
    assert not refuses(paid_ahead, bill(amount=0, due=50))


def test_a_bill_that_money_has_passed_needs_history_unless_the_money_could_not_have_met_it() -> None:
    paid_ahead: list[f.Fact] = [bill("b5", due=60), repaid(amount=1, on=1)]
    assert refuses(posting(*paid_ahead), bill(due=50, issued=30))
    assert not refuses(posting(*paid_ahead, by="card-minimum-payment"), bill(due=50, issued=30))


def test_what_another_fact_named_before_it_arrived_needs_history() -> None:
    at = posting()
    at.ledger.orphans = ["b1", "r1"]
    assert refuses(at, bill("b1", due=50))
    assert refuses(at, repaid("r1", on=40))
    assert not refuses(at, bill("b2", due=50))
    assert not refuses(at, repaid("r2", on=40))


@pytest.mark.parametrize("fact", [bill(due=50), repaid(on=40), f.Resumed("p1", day(40)), f.WrittenOff(1, day(40))])
def test_while_a_fact_waits_for_its_date_each_needs_history(fact: f.Fact) -> None:
    at = posting()
    at.ledger.pending_on = DAY + 1
    assert refuses(at, fact)


@pytest.mark.parametrize(
    ("on", "clean", "refused"),
    [(41, True, True), (40, True, False), (40, False, False), (39, True, False), (39, False, True)],
)
def test_money_and_closure_of_the_past_need_a_clean_eve(on: int, clean: bool, refused: bool) -> None:
    at = posting(bill(due=50), clean=clean)
    assert refuses(at, repaid(amount=4, on=on)) == refused
    assert kept(at) == [("b1", 10_000, 0 if refused else 4)]
    assert at.ledger.last_repaid_on == (0 if refused else day(on).toordinal())
    at = posting(clean=clean)
    assert refuses(at, f.Closed(day(on))) == refused
    assert at.ledger.closed_on == (None if refused else day(on).toordinal())


def test_what_is_left_of_money_goes_by_the_policy() -> None:
    loan, card = posting(), posting(by="card-minimum-payment")
    for at in (loan, card):
        assert not refuses(at, repaid(amount=7, on=40))
        assert not refuses(at, bill(amount=5, due=50, issued=41))
    assert (loan.ledger.surplus_minor, kept(loan)) == (2, [])
    assert (card.ledger.surplus_minor, kept(card)) == (0, [("b1", 5, 0)])


@pytest.mark.parametrize(
    ("due", "on", "refused"),
    [(50, 41, True), (50, 40, False), (50, 12, False), (39, 39, False), (38, 39, True), (38, 40, False)],
)
def test_an_adjustment_changes_nothing_that_was_overdue_before_it_was_heard_of(
    due: int, on: int, refused: bool
) -> None:
    at = posting(bill(due=due))
    assert refuses(at, f.Adjusted("b1", "j1", 7, day(on))) == refused
    assert kept(at) == [("b1", 10_000 if refused else 7, 0)]
    assert at.ledger.open[0].adjusted == (not refused)


@pytest.mark.parametrize(("amount", "refused"), [(3, True), (4, True), (5, False)])
def test_an_adjustment_that_sets_money_free_needs_history(amount: int, refused: bool) -> None:
    at = posting(bill(due=50), repaid(amount=4, on=1))
    assert refuses(at, f.Adjusted("b1", "j1", amount, day(40))) == refused


def test_a_second_adjustment_needs_history_and_one_to_nothing_leaves_nothing() -> None:
    at = posting(bill(due=50), bill("b2", due=60))
    assert not refuses(at, f.Adjusted("b1", "j1", 7, day(40)))
    assert refuses(at, f.Adjusted("b1", "j2", 8, day(40)))
    assert not refuses(at, f.Adjusted("b2", "j3", 0, day(40)))
    assert kept(at) == [("b1", 7, 0)]


@pytest.mark.parametrize(("due", "paid", "refused"), [(38, 0, True), (39, 0, False), (50, 0, False), (50, 1, True)])
def test_a_bill_that_was_not_overdue_and_took_no_money_is_cancelled(due: int, paid: int, refused: bool) -> None:
    at = posting(bill(due=due), *([repaid(amount=paid, on=1)] if paid else []))
    assert refuses(at, f.Cancelled("b1", day(40))) == refused
    assert kept(at) == ([("b1", 10_000, paid)] if refused else [])


@pytest.mark.parametrize(
    ("on", "weighs", "refused"),
    [(41, False, True), (40, False, False), (39, False, False), (41, True, True), (40, True, False), (39, True, True)],
)
def test_a_balance_of_the_past_needs_history_where_exposure_is_weighed(on: int, weighs: bool, refused: bool) -> None:
    at = posting(weighs=weighs)
    assert refuses(at, f.Balance("e1", 90, day(on))) == refused
    assert at.ledger.exposure_minor == (0 if refused else 90)


def test_the_last_balance_by_date_and_id_holds() -> None:
    at = posting()
    for id_, amount, on in (("e2", 20, 30), ("e1", 10, 30), ("e9", 90, 29), ("e2", 21, 30)):
        assert not refuses(at, f.Balance(id_, amount, day(on)))
        assert (at.ledger.exposure_minor, at.ledger.exposure_key) == (20, (day(30).toordinal(), "e2"))
    assert not refuses(at, f.Balance("e3", 30, day(30)))
    assert at.ledger.exposure_minor == 30


@pytest.mark.parametrize(
    ("on", "clean", "refused"), [(38, True, False), (38, False, True), (39, False, False), (60, False, False)]
)
def test_a_pause_from_before_the_eve_needs_a_clean_one(on: int, clean: bool, refused: bool) -> None:
    at = posting(clean=clean)
    assert refuses(at, f.Paused("p1", day(on), day(70))) == refused
    assert at.ledger.pauses.spans == ([] if refused else [(day(on).toordinal(), day(70).toordinal())])


def test_a_pause_may_have_no_end_and_be_resumed() -> None:
    at = posting()
    assert not refuses(at, f.Paused("p1", day(40)))
    assert at.ledger.paused == {"p1": [DAY, None, None]}
    assert refuses(at, f.Resumed("p1", day(38)))
    assert not refuses(at, f.Resumed("p2", day(38)))
    assert not refuses(at, f.Resumed("p1", day(39)))
    assert at.ledger.paused == {"p1": [DAY, None, DAY - 1], "p2": [None, None, DAY - 2]}


def test_a_write_off_holds_from_its_date() -> None:
    at = posting(clean=False)
    assert refuses(at, f.WrittenOff(1, day(41)))
    assert not refuses(at, f.WrittenOff(1, day(12)))
    assert at.ledger.written_off_on == day(12).toordinal()
    assert not refuses(at, f.WrittenOff(1, day(40)))


@pytest.mark.parametrize(
    "fact",
    [f.Reversed("r1", day(40)), f.ChargedBack("r1", day(40)), f.Reaged("g1", day(40)), f.ReageUndone("g1", day(40))],
)
def test_what_undoes_money_or_arrears_needs_history(fact: f.Fact) -> None:
    assert refuses(posting(bill(due=50), repaid("r1", 4, on=1)), fact)


def test_a_balance_of_the_past_is_taken_on_where_nobody_says_that_it_weighs() -> None:
    at = Posting(Ledger(), policy(), DAY, True)
    assert not refuses(at, f.Balance("e1", 5, day(39)))
    assert refuses(posting(weighs=True), f.Balance("e1", 5, day(39)))
