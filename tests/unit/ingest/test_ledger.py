"""The compact ledger by itself: what is met in which order, what it keeps, what it leaves to history."""

import json
from dataclasses import replace

import pytest

from services.ingest.domain.ledger import NOTHING_PAID, Due, HistoryNeeded, Ledger, Sight
from services.ingest.domain.pauses import FOREVER, Ageing
from services.ingest.domain.policy import Policy
from tests.unit.ingest.cases import policy

CARRIES, SETTLES = True, False


def owed(id_: str = "b", due: int = 20, issued: int = 1, amount: int = 10, paid: int = 0, wait: int = 1) -> Due:
    return Due(due, issued, id_, amount, paid, wait, False)


def ledger(*dues: Due) -> Ledger:
    made = Ledger()
    for due in dues:
        made.add(due, CARRIES)
    return made


def amounts(of: Ledger) -> list[tuple[str, int]]:
    return [(due.id, due.paid_minor) for due in of.open]


@pytest.mark.parametrize(("wait", "adjusted", "flags"), [(0, False, 0), (1, False, 1), (0, True, 2), (1, True, 3)])
def test_an_obligation_reads_as_it_was_packed(wait: int, adjusted: bool, flags: int) -> None:
    packed = Due(20, 1, "b", 10, 3, wait, adjusted).pack()
    assert packed == [20, 1, "b", 10, 3, flags]
    again = Due.unpack(packed)
    assert (again.key(), again.amount_minor, again.paid_minor) == ((20, 1, "b"), 10, 3)
    assert (again.overdue_from, again.adjusted) == (20 + wait, adjusted)


def test_a_ledger_reads_as_it_was_packed() -> None:
    full = ledger(owed("b1"), owed("b2", due=30))
    full.pour(3, 5, CARRIES)
    full.exposure_key, full.exposure_minor = (7, "e1"), 900
    full.surplus_minor, full.spare_on, full.reaged_to = 4, 6, 8
    full.pending_on, full.written_off_on, full.closed_on = 9, 11, 12
    full.orphans = ["b9"]
    full.pause("p1", from_on=13, until_on=15)
    again = Ledger.unpack(json.loads(json.dumps(full.pack())))
    told = ("paid_to", "surplus_minor", "last_repaid_on", "spare_on", "reaged_to", "exposure_minor", "exposure_key")
    for name in (*told, "paused", "orphans", "pending_on", "written_off_on", "closed_on"):
        assert getattr(again, name) == getattr(full, name), name
    assert [due.pack() for due in again.open] == [[20, 1, "b1", 10, 3, 1], [30, 1, "b2", 10, 0, 1]]
    assert again.pauses.spans == [(13, 15)]
    assert again.pack() == full.pack()


def test_an_empty_ledger_is_packed_without_its_end() -> None:
    assert Ledger().pack() == [[], [0, ""], [0, 0, ""]]
    again = Ledger.unpack(Ledger().pack())
    assert (again.paid_to, again.pending_on, again.orphans, again.pauses.spans) == (NOTHING_PAID, None, [], [])


def test_a_surplus_meets_the_next_obligation_in_part_or_in_full() -> None:
    one = ledger()
    one.pour(15, 5, CARRIES)
    assert (one.surplus_minor, one.paid_to) == (15, NOTHING_PAID)
    one.add(owed("b1"), CARRIES)
    assert (amounts(one), one.surplus_minor, one.paid_to) == ([], 5, (20, 1, "b1"))
    one.add(owed("b2", due=30), CARRIES)
    assert (amounts(one), one.surplus_minor, one.paid_to) == ([("b2", 5)], 0, (30, 1, "b2"))
    one.add(owed("b3", due=40), CARRIES)
    assert (amounts(one), one.paid_to) == ([("b2", 5), ("b3", 0)], (30, 1, "b2"))


def test_obligations_are_kept_in_the_order_in_which_they_are_met() -> None:
    kept = ledger(owed("y", 20, 5), owed("z", 30), owed("x", 20, 5), owed("w", 20, 4), owed("v", 10, 9))
    assert [due.id for due in kept.open] == ["v", "w", "x", "y", "z"]


def test_money_goes_to_the_oldest_first_and_what_is_left_is_carried_forward() -> None:
    one = ledger(owed("b1"), owed("b2", due=30), owed("b3", due=40))
    one.pour(0, 4, CARRIES)
    assert (amounts(one), one.paid_to, one.last_repaid_on) == ([("b1", 0), ("b2", 0), ("b3", 0)], NOTHING_PAID, 4)
    one.pour(14, 6, CARRIES)
    assert (amounts(one), one.paid_to, one.last_repaid_on) == ([("b2", 4), ("b3", 0)], (30, 1, "b2"), 6)
    one.pour(1, 5, CARRIES)
    assert (amounts(one), one.last_repaid_on) == ([("b2", 5), ("b3", 0)], 6)
    one.pour(18, 7, CARRIES)
    assert (amounts(one), one.surplus_minor, one.spare_on) == ([], 3, 0)
    one.pour(4, 8, CARRIES)
    assert one.surplus_minor == 7


def test_a_cards_money_passes_over_bills_issued_later_and_its_rest_is_gone() -> None:
    card = ledger(owed("b1", 20, issued=10), owed("b2", 30, issued=5), owed("b3", 40, issued=7))
    card.pour(13, 6, SETTLES)
    assert (amounts(card), card.paid_to) == ([("b1", 0), ("b3", 0)], (30, 5, "b2"))
    assert (card.surplus_minor, card.spare_on) == (0, 6)
    card.pour(3, 7, SETTLES)
    assert (amounts(card), card.paid_to, card.spare_on) == ([("b1", 0), ("b3", 3)], (40, 7, "b3"), 6)
    card.pour(2, 10, SETTLES)
    assert (amounts(card), card.paid_to) == ([("b1", 2), ("b3", 3)], (40, 7, "b3"))


def test_money_on_the_day_of_a_re_age_or_before_it_needs_history() -> None:
    one = ledger(owed())
    one.reaged_to = 15
    for on in (14, 15):
        with pytest.raises(HistoryNeeded):
            one.pour(1, on, CARRIES)
    one.pour(1, 16, CARRIES)
    assert amounts(one) == [("b", 1)]


def test_a_cards_money_from_before_its_last_needs_history_and_of_the_same_day_does_not() -> None:
    card = ledger(owed())
    card.pour(1, 9, SETTLES)
    with pytest.raises(HistoryNeeded):
        card.pour(1, 8, SETTLES)
    card.pour(1, 9, SETTLES)
    assert amounts(card) == [("b", 2)]


def test_an_obligation_before_a_re_age_or_before_what_is_paid_needs_history() -> None:
    one = ledger(owed("b5", due=25))
    one.pour(1, 5, CARRIES)
    with pytest.raises(HistoryNeeded):
        one.add(owed("b1", due=24, issued=9), CARRIES)
    one.add(owed("b6", due=25), CARRIES)
    one.reaged_to = 30
    with pytest.raises(HistoryNeeded):
        one.add(owed("b7", due=29), CARRIES)
    one.add(owed("b8", due=30), CARRIES)
    assert [due.id for due in one.open] == ["b5", "b6", "b8"]


def test_a_cards_bill_that_could_have_had_money_needs_history() -> None:
    card = ledger(owed("b5", due=25, issued=2))
    card.pour(3, 9, SETTLES)
    with pytest.raises(HistoryNeeded):
        card.add(owed("b1", due=24, issued=9), SETTLES)
    card.add(owed("b2", due=24, issued=10), SETTLES)
    card.add(owed("b7", due=26, issued=9), SETTLES)
    card.pour(7 + 10 + 5, 11, SETTLES)
    assert (amounts(card), card.spare_on) == ([("b7", 5)], 0)
    card.pour(6, 12, SETTLES)
    assert card.spare_on == 12
    with pytest.raises(HistoryNeeded):
        card.add(owed("b8", due=40, issued=12), SETTLES)
    card.add(owed("b9", due=40, issued=13), SETTLES)
    assert amounts(card) == [("b9", 0)]


def test_a_bill_is_found_by_its_id_and_a_chargeback_is_not() -> None:
    one = ledger(owed("b1"), owed("chargeback:r1", due=30))
    assert one.open_bill("b1") is one.open[0]
    for unknown in ("b2", "chargeback:r1"):
        with pytest.raises(HistoryNeeded):
            one.open_bill(unknown)


def test_a_pause_ends_with_the_first_of_its_ends_once_it_has_begun() -> None:
    one = Ledger()
    one.pause("p1", resumed_on=15)
    assert (one.paused, one.pauses.spans) == ({"p1": [None, None, 15]}, [])
    one.pause("p1", from_on=10, until_on=20)
    assert (one.paused, one.pauses.spans) == ({"p1": [10, 20, 15]}, [(10, 15)])
    one.pause("p2", from_on=30, until_on=None)
    assert one.pauses.spans == [(10, 15), (30, FOREVER)]
    one.pause("p2", resumed_on=33)
    one.pause("p3", from_on=40, until_on=44)
    one.pause("p3", resumed_on=50)
    assert one.pauses.spans == [(10, 15), (30, 33), (40, 44)]


@pytest.mark.parametrize(
    ("written_off", "closed", "states"),
    [
        (None, None, ["open", "open", "open"]),
        (5, None, ["open", "written-off", "written-off"]),
        (None, 6, ["open", "open", "closed"]),
        (5, 6, ["open", "written-off", "closed"]),
        (6, 5, ["open", "closed", "closed"]),
    ],
)
def test_the_state_is_that_of_the_day(written_off: int | None, closed: int | None, states: list[str]) -> None:
    one = Ledger()
    one.written_off_on, one.closed_on = written_off, closed
    assert [one.state(day) for day in (4, 5, 6)] == states


@pytest.mark.parametrize(
    ("day", "arrears", "oldest", "days", "following"),
    [
        (20, 0, None, 0, 21),
        (21, 10, Ageing(20, 21), 1, 31),
        (30, 10, Ageing(20, 21), 10, 31),
        (31, 20, Ageing(20, 21), 11, None),
    ],
)
def test_a_look_at_a_day(day: int, arrears: int, oldest: Ageing | None, days: int, following: int | None) -> None:
    sight = ledger(owed("b1"), owed("b2", due=30)).sight(policy(), day)
    assert sight == Sight(arrears, oldest, days, following)


def test_a_look_leaves_out_grace_and_paused_days() -> None:
    one = ledger(owed())
    one.pause("p1", from_on=22, until_on=24)
    grace = replace(policy(), grace_days=3)
    assert [one.sight(grace, day).days for day in (21, 24, 26, 27)] == [0, 0, 1, 2]


def test_a_look_at_a_closed_account_sees_nothing() -> None:
    one = ledger(owed(), owed("b2", due=30))
    one.closed_on = 25
    assert one.sight(policy(), 24).arrears_minor == 10
    assert one.sight(policy(), 25) == Sight(0, None, 0, None)


@pytest.mark.parametrize(("paid", "oldest"), [(8, Ageing(20, 21)), (9, Ageing(30, 31)), (10, Ageing(30, 31))])
def test_what_is_short_within_tolerance_is_in_arrears_and_ages_nothing(paid: int, oldest: Ageing) -> None:
    lenient = replace(policy(), full_payment_tolerance_bp=1_000)
    one = ledger(owed("b1"), owed("b2", due=30))
    one.pour(paid, 5, CARRIES)
    sight = one.sight(lenient, 35)
    assert (sight.arrears_minor, sight.oldest) == (20 - paid, oldest)


@pytest.mark.parametrize("by", [policy(), policy("in-rbi")])
def test_of_two_due_together_the_one_overdue_first_ages_the_account(by: Policy) -> None:
    """A chargeback waits a day even where bills do not."""
    at_once, waiting = owed("chargeback:r1", wait=1), owed("z", issued=2, wait=0)
    one = ledger(at_once, waiting)
    assert one.sight(by, 20) == Sight(10, Ageing(20, 20), 1, 21)
    assert one.sight(by, 21).oldest == Ageing(20, 20)
    assert ledger(owed("a", wait=0), owed("b", issued=2)).sight(by, 20) == Sight(10, Ageing(20, 20), 1, 21)


def test_what_falls_due_next_is_looked_for_behind_what_falls_due_a_day_later() -> None:
    waiting = [owed("chargeback:r1", issued=1), owed("chargeback:r2", issued=2), owed("z", issued=3, wait=0)]
    assert ledger(*waiting).sight(policy("in-rbi"), 19).falls_due_on == 20
    assert ledger(*waiting, owed("y", due=19, wait=0)).sight(policy("in-rbi"), 19) == Sight(10, Ageing(19, 19), 1, 20)
