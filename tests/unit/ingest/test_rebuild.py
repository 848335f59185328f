"""A compact ledger from all facts: what it comes to, figure by figure, under both ways with a surplus."""

import pytest

from services.ingest.domain import facts as f
from services.ingest.domain.known import Known
from services.ingest.domain.ledger import NOTHING_PAID, Ledger
from services.ingest.domain.pauses import FOREVER
from services.ingest.domain.rebuild import rebuilt
from services.ingest.domain.walk import Walk
from tests.unit.ingest.cases import bill, day, opened, policy, repaid

CARD = "card-minimum-payment"


def made(*facts: f.Fact, on: int = 40, by: str = "instalment") -> Ledger:
    known = Known([opened(), *facts])
    return rebuilt(known, Walk(known, policy(by)), day(on))


def at(number: int) -> int:
    return day(number).toordinal()


def test_no_facts_come_to_a_new_ledger() -> None:
    nothing = Ledger()
    nothing.exposure_minor = 100_000
    assert made().pack() == nothing.pack()
    assert made(by=CARD).pack() == nothing.pack()
    assert made(by=CARD).last_repaid_on == 0


@pytest.mark.parametrize("by", ["instalment", CARD])
def test_money_reaches_as_far_as_it_does_and_what_is_open_is_kept(by: str) -> None:
    ledger = made(
        bill("b1", 10, due=20), bill("b2", 10, due=30, issued=2), bill("b3", 10, due=50, issued=3),
        f.Adjusted("b3", "j1", 7, day(9)), repaid("r1", 12, on=21), repaid("r2", 3, on=22), by=by,
    )  # fmt: skip
    assert [due.pack() for due in ledger.open] == [[at(30), at(2), "b2", 10, 5, 1], [at(50), at(3), "b3", 7, 0, 3]]
    assert (ledger.paid_to, ledger.last_repaid_on) == ((at(30), at(2), "b2"), at(22))
    assert (ledger.surplus_minor, ledger.spare_on, ledger.reaged_to) == (0, 0, 0)
    assert (ledger.pending_on, ledger.orphans, ledger.paused) == (None, [], {})


@pytest.mark.parametrize("by", ["instalment", CARD])
def test_a_bill_is_open_while_the_least_of_it_is_missing(by: str) -> None:
    assert [due.paid_minor for due in made(bill("b1", 10), repaid("r1", 9, on=21), by=by).open] == [9]
    assert made(bill("b1", 10), repaid("r1", 10, on=21), by=by).open == []


def test_bills_wait_by_the_policy_and_chargebacks_a_day() -> None:
    facts: list[f.Fact] = [
        bill("b1", 10, due=20),
        repaid("r1", 10, on=5),
        f.ChargedBack("r1", day(20)),
        bill("b2", 9, due=30),
    ]
    ledger = made(*facts, by="in-rbi")
    assert [due.pack() for due in ledger.open] == [
        [at(20), at(20), "chargeback:r1", 10, 0, 1],
        [at(30), at(1), "b2", 9, 0, 0],
    ]


def test_what_is_left_is_carried_forward_or_spare() -> None:
    facts: list[f.Fact] = [bill("b1", 10), repaid("r1", 14, on=21), repaid("r2", 2, on=23)]
    loan, card = made(*facts), made(*facts, by=CARD)
    assert (loan.open, loan.surplus_minor, loan.spare_on) == ([], 6, 0)
    assert (card.open, card.surplus_minor, card.spare_on) == ([], 0, at(23))
    assert loan.paid_to == card.paid_to == (at(31), at(1), "b1")
    assert made(bill("b1", 10), repaid("r1", 10, on=21), by=CARD).spare_on == 0


@pytest.mark.parametrize("by", ["instalment", CARD])
def test_a_re_age_leaves_nothing_of_what_was_due_before_it(by: str) -> None:
    facts: list[f.Fact] = [
        bill("b1", 10, due=20),
        bill("b2", 10, due=50),
        repaid("r1", 4, on=15),
        repaid("r2", 3, on=39),
    ]
    ledger = made(*facts, f.Reaged("g1", day(25)), f.Reaged("g2", day(38)), f.Reaged("g3", day(41)), by=by)
    assert [(due.id, due.paid_minor) for due in ledger.open] == [("b2", 3)]
    assert (ledger.paid_to, ledger.reaged_to) == ((at(50), at(1), "b2"), at(38))
    assert (ledger.last_repaid_on, ledger.pending_on) == (at(39), at(41))
    assert made(bill("b1", 10, due=20), repaid("r1", 4, on=15), f.Reaged("g1", day(25))).paid_to == NOTHING_PAID


def test_a_surplus_outlives_a_re_age() -> None:
    ledger = made(repaid("r1", 4, on=15), bill("b1", 1, due=20), f.Reaged("g1", day(25)), repaid("r2", 3, on=39))
    assert (ledger.surplus_minor, ledger.spare_on, ledger.open) == (6, 0, [])


def test_exposure_and_states_are_those_of_the_day() -> None:
    facts: list[f.Fact] = [
        f.Balance("e1", 70, day(20)),
        f.Balance("e2", 60, day(41)),
        f.WrittenOff(1, day(40)),
        f.Closed(day(41)),
    ]
    ledger = made(*facts)
    assert (ledger.exposure_minor, ledger.exposure_key) == (70, (at(20), "e1"))
    assert (ledger.written_off_on, ledger.closed_on, ledger.pending_on) == (at(40), None, at(41))
    assert made(*facts, f.WrittenOff(1, day(40)), repaid(on=50)).pending_on == at(41)
    later = made(*facts, on=41)
    assert (later.written_off_on, later.closed_on, later.pending_on) == (at(40), at(41), None)
    assert later.exposure_minor == 60
    assert made(*facts, on=39).written_off_on is None


def test_pauses_are_kept_with_each_of_their_ends() -> None:
    ledger = made(
        f.Paused("p1", day(10), day(20)), f.Resumed("p1", day(15)), f.Paused("p2", day(30)), f.Resumed("p3", day(9))
    )
    assert ledger.paused == {
        "p1": [at(10), at(20), at(15)], "p2": [at(30), None, None], "p3": [None, None, at(9)],
    }  # fmt: skip
    assert ledger.pauses.spans == [(at(10), at(15)), (at(30), FOREVER)]


def test_what_was_named_before_it_arrived_is_an_orphan() -> None:
    ledger = made(
        f.Adjusted("b2", "j1", 7, day(9)), f.Cancelled("b1", day(9)), f.Reversed("r2", day(9)),
        f.ChargedBack("r1", day(9)), f.Cancelled("b3", day(9)), bill("b3"), f.Reversed("r3", day(9)), repaid("r3"),
    )  # fmt: skip
    assert ledger.orphans == ["b1", "b2", "r1", "r2"]


def test_a_card_s_money_that_nothing_was_issued_for_yet_is_left_over_on_its_day() -> None:
    ledger = made(bill("b1", 10, due=20), bill("b2", 10, due=50, issued=30), repaid("r1", 15, on=10), by=CARD)
    assert [(due.id, due.paid_minor) for due in ledger.open] == [("b2", 0)]
    assert ledger.spare_on == at(10)


def test_what_is_paid_in_full_is_not_open_though_an_earlier_bill_is() -> None:
    ledger = made(bill("b1", 10, due=20, issued=10), bill("b2", 10, due=30, issued=5), repaid("r1", 10, on=6), by=CARD)
    assert [due.id for due in ledger.open] == ["b1"]
