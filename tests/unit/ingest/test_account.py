"""What an account tells, fact by fact and day by day."""

from dataclasses import replace

from services.ingest.domain import facts as f
from services.ingest.domain.account import Account, apply
from services.ingest.domain.changes import RepaymentEffect
from services.ingest.domain.policy import Rules
from tests.unit.ingest.cases import CARD, PACKS, START, Fed, assessed, bill, day, kinds, opened, repaid, rules


def test_opening_tells_the_exposure_once() -> None:
    account = Account.new("a-1", PACKS.rules)
    (told,) = apply(account, opened(), START, "e-1")
    assert (told.kind, told.version, told.reason, told.cause) == ("arrears_changed", 1, "opening", "e-1")
    assert (told.assessment.exposure_minor, told.previous_bucket) == (100_000, "current")
    assert (account.customer_id, account.product, account.currency, account.policy) == (
        "c-1", "loan", "EUR", "instalment",
    )  # fmt: skip


def test_a_card_without_a_balance_opens_silently() -> None:
    assert apply(Account.new("a-1", PACKS.rules), opened(CARD, None), START, "e-1") == []


def test_a_bill_not_yet_due_tells_nothing_and_sets_the_next_transition() -> None:
    fed = Fed()
    assert fed.fact(bill(due=31)) == []
    assert (fed.now.next_transition_on, fed.account.as_of) == (day(32), START)


def test_a_bill_does_not_move_the_account() -> None:
    fed = Fed()
    fed.fact(bill(due=61, issued=20))
    assert fed.account.as_of == START
    fed.fact(f.Balance("e1", 5, day(20)))
    assert fed.account.as_of == day(20)


def test_ageing_enters_and_rolls() -> None:
    fed = Fed()
    fed.fact(bill(due=31))
    assert fed.closes(31) == []
    (entered,) = fed.closes(32)
    assert (entered.kind, entered.reason, entered.cause) == ("entered", "ageing", f"ageing:{day(32)}")
    assert fed.closes(60) == []
    (rolled,) = fed.closes(61)
    assert (rolled.kind, rolled.previous_bucket, rolled.assessment.bucket) == ("rolled", "1-29", "30-59")
    assert fed.account.version == 3
    assert fed.closes(61) == []
    assert fed.closes(40) == []
    assert fed.account.as_of == day(61)


def test_a_partial_repayment_tells_only_the_money() -> None:
    fed = Fed()
    fed.fact(bill(due=31))
    fed.closes(40)
    (applied,) = fed.fact(repaid(amount=4_000, on=41))
    assert applied.repayment == RepaymentEffect("r1", 4_000, 4_000, day(41))
    assert (applied.assessment.arrears_minor, applied.assessment.delinquent) == (6_000, True)


def test_a_repayment_rolls_back_to_the_younger_obligation() -> None:
    fed = Fed()
    fed.facts(bill("b1", due=31), bill("b2", due=61))
    fed.closes(65)
    applied, rolled = fed.fact(repaid(on=66))
    assert kinds([applied, rolled]) == ["repayment_applied", "rolled"]
    assert (rolled.previous_bucket, rolled.assessment.bucket) == ("30-59", "1-29")
    assert rolled.assessment.delinquent_since == day(32)
    assert fed.from_history == 0


def test_write_off_and_balance_tell_a_change_without_a_move() -> None:
    fed = Fed()
    fed.fact(bill(due=31))
    fed.closes(40)
    told = fed.facts(f.WrittenOff(10_000, day(41)), f.Balance("e1", 90_000, day(41)), f.Balance("e0", 1, day(41)))
    assert [(c.kind, c.reason) for c in told] == [("arrears_changed", "write-off"), ("arrears_changed", "balance")]
    assert (told[-1].assessment.state, told[-1].assessment.exposure_minor) == ("written-off", 90_000)


def test_a_classification_alone_is_a_change() -> None:
    fed = Fed(rules("instalment", "ifrs9"))
    fed.fact(bill(due=31))
    fed.closes(32)
    fed.closes(61)
    (told,) = fed.closes(62)
    assert (told.kind, told.assessment.classifications) == ("arrears_changed", (("ifrs9", "stage-2"),))


def test_days_missed_between_two_facts_are_counted_in() -> None:
    fed = Fed(rules("in-rbi", "in-rbi"))
    fed.facts(bill("b1", due=31), bill("b2", due=100))
    applied, entered = fed.fact(repaid(on=130))
    assert kinds([applied, entered]) == ["repayment_applied", "entered"]
    assert entered.assessment == assessed([past for past, _ in fed.past], 130, fed.by)
    assert entered.assessment.delinquent_since == day(31)
    assert dict(entered.assessment.classifications) == {"in-rbi": "NPA"}


def test_a_held_label_outlives_days_in_grace() -> None:
    shipped = rules("in-rbi", "in-rbi")
    fed = Fed(Rules(replace(shipped.policy, grace_days=10), shipped.classifications))
    fed.facts(bill("b1", due=31), bill("b2", due=138))
    fed.closes(140)
    fed.fact(repaid(on=141))
    for number in range(142, 150):
        fed.closes(number)
        fed.fact(f.Balance(f"e{number}", number, day(number)))
        assert fed.now == assessed([past for past, _ in fed.past], number, fed.by)
    assert fed.now.classifications == (("in-rbi", "NPA"),)
    assert fed.from_history == 0


def test_quiet_days_count_towards_the_worst() -> None:
    fed = Fed()
    fed.fact(bill(due=31))
    for number in range(32, 46):
        fed.closes(number)
    assert (fed.account.spell.worst_days, fed.account.eve.worst_days) == (14, 13)
