"""What counts on a day, of facts in any order."""

from services.ingest.domain import facts as f
from services.ingest.domain.known import Known, Obligation
from services.ingest.domain.pauses import FOREVER, Ageing
from tests.unit.ingest.cases import bill, day, opened, policy, repaid


def test_nothing_known_is_nothing_owed() -> None:
    nothing = Known([])
    assert (nothing.opened, nothing.currency, nothing.exposure_minor(day(9))) == (None, "", 0)
    assert (nothing.balance(day(9)), nothing.state(day(9)), nothing.effective_dates) == (None, "open", set())
    assert (nothing.obligations(policy(), day(9)), nothing.repayments(day(9)), nothing.reages(day(9))) == ([], [], [])
    assert Known([opened(currency="JPY")]).currency == "JPY"
    assert Known([opened(principal=None)]).exposure_minor(day(9)) == 0


def test_facts_are_sorted_once() -> None:
    known = Known([bill()])
    assert Known.by(known) is known
    assert Known.by([bill()]).of(f.Billed) == {"b1": bill()}
    assert known.pauses() is known.pauses()


def test_obligations_of_a_day_are_bills_as_adjusted_and_chargebacks_by_then() -> None:
    known = Known([
        bill("b2", 10, due=50), bill("b1", 20, due=50), bill("b3", 30, due=10, issued=9), f.Cancelled("b3", day(99)),
        f.Adjusted("b1", "j1", 21, day(20)), f.Adjusted("b1", "j3", 23, day(30)), f.Adjusted("b1", "j2", 22, day(30)),
        repaid("r1", 5, on=8), f.ChargedBack("r1", day(40)), repaid("r2", 6, on=8), f.ChargedBack("r2", day(40)),
        f.Reversed("r2", day(41)), f.ChargedBack("r9", day(40)),
    ])  # fmt: skip
    for on, amount, charged_back in ((19, 20, 0), (20, 21, 0), (29, 21, 0), (30, 23, 0), (39, 23, 0), (40, 23, 1)):
        back = Obligation("chargeback:r1", "chargeback", 5, day(40), day(40), day(41))
        assert known.obligations(policy(), day(on)) == [
            *[back] * charged_back,
            Obligation("b1", "instalment", amount, day(1), day(50), day(51)),
            Obligation("b2", "instalment", 10, day(1), day(50), day(51)),
        ]
    at_once = known.obligations(policy("in-rbi"), day(40))
    assert [o.overdue_from for o in at_once] == [day(41), day(50), day(50)]
    assert at_once[0].ageing == Ageing(day(40).toordinal(), day(41).toordinal())
    assert at_once[0].key == (day(40), day(40), "chargeback:r1")


def test_repayments_count_from_their_dates_in_the_order_of_allocation() -> None:
    facts = [repaid("r3", 1, on=20), repaid("r2", 2, on=20), repaid("r9", 3, on=10), repaid("r1", 4, on=30)]
    known = Known([*facts, repaid("r0", 5, on=5), f.Reversed("r0", day(90))])
    by_day = {on: [r.repayment_id for r in known.repayments(day(on))] for on in (9, 10, 19, 20, 30)}
    assert by_day == {9: [], 10: ["r9"], 19: ["r9"], 20: ["r9", "r2", "r3"], 30: ["r9", "r2", "r3", "r1"]}


def test_re_ages_stand_unless_undone() -> None:
    known = Known([
        f.Reaged("g1", day(30)), f.Reaged("g2", day(20)), f.Reaged("g3", day(10)), f.ReageUndone("g3", day(90)),
    ])  # fmt: skip
    assert [known.reages(day(on)) for on in (19, 20, 30)] == [[], [day(20)], [day(20), day(30)]]


def test_the_last_balance_by_date_then_by_id_is_the_exposure() -> None:
    known = Known([
        opened(), f.Balance("e2", 2, day(20)), f.Balance("e1", 1, day(20)), f.Balance("e9", 9, day(10)),
        f.Balance("e0", 0, day(30)),
    ])  # fmt: skip
    assert [known.exposure_minor(day(on)) for on in (9, 10, 20, 29, 30)] == [100_000, 9, 2, 2, 0]


def test_closed_wins_over_written_off() -> None:
    known = Known([f.WrittenOff(1, day(20)), f.Closed(day(30))])
    assert [known.state(day(on)) for on in (19, 20, 29, 30)] == ["open", "written-off", "written-off", "closed"]
    assert Known([f.WrittenOff(1, day(30)), f.Closed(day(20))]).state(day(30)) == "closed"


def test_pauses_end_with_the_first_of_their_ends() -> None:
    known = Known([
        f.Paused("p1", day(10), day(20)), f.Resumed("p1", day(15)), f.Paused("p2", day(30), day(35)),
        f.Resumed("p2", day(40)), f.Paused("p3", day(50)), f.Resumed("p4", day(5)),
    ])  # fmt: skip
    spans = [(day(10), day(15)), (day(30), day(35))]
    assert known.pauses().spans[:2] == [(a.toordinal(), b.toordinal()) for a, b in spans]
    assert known.pauses().spans[2:] == [(day(50).toordinal(), FOREVER)]


def test_dates_are_those_on_which_something_begins_to_count_at_once() -> None:
    known = Known([
        opened(), bill(issued=2), repaid(on=3), f.Adjusted("b1", "j1", 1, day(4)), f.ChargedBack("r1", day(5)),
        f.Balance("e1", 1, day(6)), f.Reaged("g1", day(7)), f.WrittenOff(1, day(8)), f.Closed(day(9)),
        f.Paused("p1", day(10)), f.Resumed("p1", day(11)), f.Reversed("r1", day(12)), f.Cancelled("b1", day(13)),
        f.ReageUndone("g1", day(14)),
    ])  # fmt: skip
    assert known.effective_dates == {day(on) for on in range(3, 10)}
