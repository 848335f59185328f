"""Facts that come before what they are about wait for it."""

import json
from datetime import date, timedelta

import pytest

from services.ingest.domain import facts as f
from services.ingest.domain.account import Account, HistoryNeeded, age, apply
from services.ingest.domain.assessment import assess
from services.ingest.domain.changes import RepaymentEffect
from tests.unit.ingest.cases import PACKS, Fed, assessed, bill, day, kinds, opened, repaid, rules


def test_a_reversal_before_its_repayment_waits_and_then_both_are_told() -> None:
    fed = Fed()
    fed.fact(bill(due=31))
    fed.closes(40)
    assert fed.fact(f.Reversed("r1", day(41))) == []
    told = fed.fact(repaid(on=39), recorded=42)
    assert [(c.kind, c.reason, c.repayment) for c in told] == [
        ("repayment_applied", "repayment", RepaymentEffect("r1", 10_000, 10_000, day(39))),
        ("repayment_applied", "reversal", RepaymentEffect("r1", -10_000, -10_000, day(41))),
    ]
    assert told[-1].assessment.arrears_minor == 10_000


def test_an_adjustment_before_its_bill_waits_for_it() -> None:
    fed = Fed()
    assert fed.facts(f.Adjusted("b1", "j1", 7_000, day(5)), f.Cancelled("b2", day(6))) == []
    fed.facts(bill("b1"), bill("b2"))
    (entered,) = fed.closes(32)
    assert entered.assessment.arrears_minor == 7_000


def test_facts_before_the_opening_count_when_it_comes_each_in_its_turn() -> None:
    account = Account.new("a-1", PACKS.rules)
    early: list[tuple[f.Fact, date]] = [
        (bill(due=31), day(2)),
        (repaid(amount=4_000, on=20), day(20)),
        (repaid("r2", 1, on=21), day(21)),
    ]
    for fact, on in early:
        assert apply(account, fact, on, "e-0") == []
    assert (account.waiting, account.rules, account.assessment) == (3, None, None)
    account = Account.unpack("a-1", json.loads(json.dumps(account.pack())), PACKS.rules)
    assert account.waiting == 3
    with pytest.raises(HistoryNeeded):
        apply(account, opened(), day(22), "e-1")
    told = apply(account, opened(), day(22), "e-1", early)
    assert kinds(told) == ["arrears_changed", "repayment_applied", "repayment_applied"]
    assert {c.cause for c in told} == {"e-1"}
    assert [c.repayment.id for c in told if c.repayment] == ["r1", "r2"]
    assert account.waiting == 0
    assert account.assessment == assessed([fact for fact, _ in early], 21)


def test_what_waited_for_the_opening_may_undo_what_waited_before_it() -> None:
    early: list[tuple[f.Fact, date]] = [
        (bill(due=31), day(2)),
        (repaid(amount=4_000, on=20), day(20)),
        (f.Reversed("r1", day(21)), day(21)),
    ]
    account = Account.new("a-1", PACKS.rules)
    for fact, on in early:
        apply(account, fact, on, "e-0")
    told = apply(account, opened(), day(22), "e-1", early)
    assert [c.repayment.amount_minor for c in told if c.repayment] == [4_000, -4_000]
    assert account.assessment == assessed([fact for fact, _ in early], 21)


def test_what_is_told_last_of_an_opening_is_what_all_that_waited_says_on_its_day() -> None:
    """The opening alone says that nothing is overdue on a day on which the bill that waited with it was."""
    account = Account.new("a-1", PACKS.rules)
    age(account, day(32), "ageing")
    early: list[tuple[f.Fact, date]] = [(f.Reaged("g1", day(33)), day(33)), (bill(due=31), day(33))]
    for fact, on in early:
        apply(account, fact, on, "e-0")
    told = apply(account, opened(), day(33), "e-1", early)
    known = [fact for fact, _ in early]
    assert assessed(known, 32).delinquent
    assert told[-1].assessment == account.assessment == assessed(known, 33)


def test_a_later_close_moves_a_waiting_account_silently() -> None:
    account = Account.new("a-1", PACKS.rules)
    assert age(account, day(9), "ageing") == []
    assert account.as_of == day(9)
    apply(account, opened(), day(9), "e-1")
    assert account.as_of == day(9)
    assert age(account, day(9) + timedelta(days=1), "ageing") == []


def test_an_opening_after_which_nothing_is_owed_tells_nothing_of_what_waited() -> None:
    account, nothing_owed = Account.new("a-1", PACKS.rules), opened(principal=None)
    apply(account, bill(due=31), day(2), "e-0")
    assert apply(account, nothing_owed, day(3), "e-1", [(bill(due=31), day(2))]) == []
    assert account.assessment == assess([nothing_owed, bill(due=31)], rules(), day(1))
