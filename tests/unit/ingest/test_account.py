"""What an account tells, fact by fact and day by day, and when it needs its past."""

import json
from dataclasses import replace
from datetime import date, timedelta

import pytest

from services.ingest.domain import facts as f
from services.ingest.domain.account import Account, HistoryNeeded, age, apply
from services.ingest.domain.changes import RepaymentEffect
from services.ingest.domain.policy import Materiality, Rules
from tests.unit.ingest.cases import PACKS, START, Fed, assessed, bill, day, kinds, opened, policy, repaid, rules

CARD = rules("card-minimum-payment")


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


def test_a_repayment_counts_on_its_day_before_the_day_closes() -> None:
    fed = Fed()
    fed.fact(bill(due=31))
    fed.closes(40)
    applied, cured = fed.fact(repaid(on=41))
    assert applied.kind == "repayment_applied"
    assert applied.repayment == RepaymentEffect("r1", 10_000, 10_000, day(41))
    assert (cured.kind, cured.through, cured.reason) == ("cured", "repayment", "repayment")
    assert applied.assessment == cured.assessment
    assert (applied.version, cured.version) == (3, 4)
    assert (cured.previous_bucket, cured.assessment.as_of) == ("1-29", day(41))
    assert fed.closes(41) == []


def test_a_repayment_recorded_before_it_counts_waits_for_its_date() -> None:
    fed = Fed()
    fed.fact(bill(due=31))
    fed.closes(40)
    (applied,) = fed.fact(repaid(on=45), recorded=41)
    assert applied.repayment == RepaymentEffect("r1", 10_000, 0, day(45))
    assert (fed.account.as_of, fed.account.post_dated) == (day(40), True)
    assert fed.now.next_transition_on == day(45)
    assert fed.closes(44) == []
    (cured,) = fed.closes(45)
    assert (cured.kind, cured.through, cured.reason) == ("cured", "repayment", "ageing")
    assert cured.cause == f"ageing:{day(45)}"
    assert not fed.account.post_dated


def test_a_fact_that_changes_nothing_waits_no_longer_than_for_its_date() -> None:
    fed = Fed()
    fed.fact(f.Balance("e1", 100_000, day(45)), recorded=20)
    for number, waits in ((44, True), (45, False)):
        assert fed.closes(number) == []
        assert fed.account.post_dated == waits


@pytest.mark.parametrize(("fact", "through"), [(f.Reaged("g1", day(45)), "reage"), (f.Closed(day(45)), "closure")])
def test_other_post_dated_facts_cure_on_their_date(fact: f.Fact, through: str) -> None:
    fed = Fed()
    fed.fact(bill(due=31))
    fed.closes(40)
    assert fed.fact(fact, recorded=41) == []
    (cured,) = fed.closes(45)
    assert (cured.kind, cured.through) == ("cured", through)


def test_what_counted_before_is_not_what_cures_later() -> None:
    fed = Fed()
    fed.facts(bill(due=31), repaid(amount=4_000, on=40))
    fed.fact(f.Reaged("g1", day(45)), recorded=41)
    (cured,) = fed.closes(45)
    assert (cured.kind, cured.through) == ("cured", "reage")


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


def test_a_cure_and_a_new_overdue_bill_one_after_the_other_tell_both() -> None:
    fed = Fed()
    fed.fact(bill("b1", due=31))
    fed.closes(40)
    told = fed.facts(repaid(on=41), bill("b2", due=35, issued=30))
    assert kinds(told) == ["repayment_applied", "cured", "entered"]
    assert told[-1].reason == "bill"


@pytest.mark.parametrize(
    ("fact", "through"),
    [
        (f.Cancelled("b1", day(41)), "cancellation"),
        (f.Adjusted("b1", "j1", 0, day(41)), "adjustment"),
        (f.Reaged("g1", day(41)), "reage"),
        (f.Closed(day(41)), "closure"),
        (f.Paused("p1", day(20)), "pause"),
    ],
)
def test_a_cure_says_through_what(fact: f.Fact, through: str) -> None:
    fed = Fed()
    fed.fact(bill(due=31))
    fed.closes(40)
    (cured,) = fed.fact(fact, recorded=41)
    assert (cured.kind, cured.through, cured.reason) == ("cured", through, through)


def test_a_reversal_takes_its_money_out_of_the_past() -> None:
    fed = Fed()
    fed.facts(bill(due=31), repaid(on=31))
    fed.closes(70)
    applied, entered = fed.fact(f.Reversed("r1", day(71)))
    assert applied.repayment == RepaymentEffect("r1", -10_000, -10_000, day(71))
    assert (applied.reason, entered.kind) == ("reversal", "entered")
    assert (applied.cause, entered.cause, entered.reason) == ("e-1", "e-1", "reversal")
    assert (entered.assessment.days_past_due, entered.assessment.delinquent_since) == (40, day(32))


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


def test_a_chargeback_takes_the_money_back_from_its_date() -> None:
    fed = Fed()
    fed.facts(bill(due=31), repaid(on=31))
    fed.closes(70)
    (applied,) = fed.fact(f.ChargedBack("r1", day(71)))
    assert applied.repayment == RepaymentEffect("r1", -10_000, 0, day(71))
    (entered,) = fed.closes(72)
    assert (entered.kind, entered.assessment.days_past_due, entered.reason) == ("entered", 1, "ageing")


def test_money_charged_back_and_then_reversed_goes_back_once() -> None:
    fed = Fed()
    fed.facts(bill(due=31), repaid(on=31), f.ChargedBack("r1", day(40)))
    amounts = [c.repayment.amount_minor for c in fed.fact(f.Reversed("r1", day(41))) if c.repayment]
    assert amounts == [0]


def test_an_adjustment_before_its_bill_waits_for_it() -> None:
    fed = Fed()
    assert fed.facts(f.Adjusted("b1", "j1", 7_000, day(5)), f.Cancelled("b2", day(6))) == []
    fed.facts(bill("b1"), bill("b2"))
    (entered,) = fed.closes(32)
    assert entered.assessment.arrears_minor == 7_000


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


def test_an_ordinary_life_needs_no_history() -> None:
    for by in (rules(), CARD, rules("in-rbi", "in-rbi"), rules("us-ffiec", "us-ffiec", "ifrs9")):
        fed = Fed(by)
        for month in range(12):
            first = 1 + 30 * month
            fed.fact(bill(f"b{month}", 10_000, due=first + 14, issued=first), recorded=first)
            fed.fact(f.Balance(f"e{month}", 90_000 - month, day(first + 1)))
            fed.closes(first + 12)
            late = 13 + (month % 4) * 3
            fed.fact(repaid(f"r{month}", 4_000, on=first + late))
            fed.closes(first + late)
            fed.fact(repaid(f"s{month}", 6_000, on=first + late + 4))
            fed.closes(first + late + 4)
        assert fed.from_history == 0
        assert fed.now.arrears_minor == 0


def test_a_back_dated_repayment_on_a_current_account_needs_no_history() -> None:
    fed = Fed()
    fed.fact(bill(due=31))
    fed.closes(20)
    (applied,) = fed.fact(repaid(on=15), recorded=21)
    assert applied.repayment == RepaymentEffect("r1", 10_000, 0, day(15))
    assert (fed.from_history, fed.account.as_of) == (0, day(20))
    fed.closes(40)
    assert fed.now.arrears_minor == 0


@pytest.mark.parametrize(
    "fact",
    [
        f.Reversed("r0", day(20)),
        f.ChargedBack("r0", day(41)),
        f.Reaged("g1", day(41)),
        f.ReageUndone("g0", day(41)),
        f.Cancelled("b0", day(41)),
        f.Cancelled("b1", day(41)),
        f.Adjusted("b0", "j1", 1, day(20)),
        f.Adjusted("b1", "j1", 1, day(39)),
        bill("b9", due=10),
        repaid("r9", on=39),
        repaid("r9", on=42),
        f.Paused("p1", day(35), day(36)),
        f.Closed(day(39)),
        f.WrittenOff(1, day(42)),
        f.Balance("e9", 1, day(42)),
    ],
)
def test_what_reaches_into_the_past_or_the_future_needs_history(fact: f.Fact) -> None:
    fed = Fed()
    fed.facts(bill("b0", due=20), repaid("r0", on=10), bill("b1", due=31))
    fed.closes(41)
    fed.fact(fact, recorded=41)
    assert fed.from_history == 1
    assert fed.now == assessed([past for past, _ in fed.past], 41)


def test_a_packed_account_is_short_and_reads_as_it_was() -> None:
    by = rules("in-rbi", "in-rbi", "ifrs9")
    fed = Fed(by)
    long = "0123456789abcdef0123456789abcdef"
    fed.facts(bill(f"{long}-1", due=31), bill(f"{long}-2", due=61), f.Balance(long, 90_000, day(20)))
    fed.facts(repaid(long, 4_000, on=40))
    fed.closes(70)
    text = json.dumps(fed.account.pack(), separators=(",", ":"))
    assert len(text) < 600
    again = Account.unpack("a-1", json.loads(text), PACKS.rules)
    assert again.pack() == fed.account.pack()
    assert (again.assessment, again.version, again.as_of) == (fed.now, fed.account.version, day(70))
    assert (again.customer_id, again.classifications) == ("c-1", ("in-rbi", "ifrs9"))


def test_what_is_kept_does_not_grow_with_an_accounts_age() -> None:
    fed, sizes = Fed(), []
    for month in range(36):
        first = 1 + 30 * month
        fed.facts(bill(f"b{month:04}", due=first + 14, issued=first), repaid(f"r{month:04}", on=first + 10))
        sizes.append(len(json.dumps(fed.account.pack())))
    assert sizes[-1] - sizes[2] <= 4


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


def test_a_later_close_moves_a_waiting_account_silently() -> None:
    account = Account.new("a-1", PACKS.rules)
    assert age(account, day(9), "ageing") == []
    assert account.as_of == day(9)
    apply(account, opened(), day(9), "e-1")
    assert account.as_of == day(9)
    assert age(account, day(9) + timedelta(days=1), "ageing") == []


DUE_DAY = rules("in-rbi", "in-rbi")
MATERIAL = Rules(replace(policy(), materiality=Materiality({"EUR": 0}, 1_000)))
LATE = [bill("b1", due=10)]


@pytest.mark.parametrize(
    ("by", "facts", "last", "on"),
    [
        # A bill that goes before one that already took money.
        (rules(), [bill("b2", due=40), repaid(on=10)], bill("b1", due=30), 10),
        (CARD, [bill("b2", due=40, issued=5), repaid(on=10)], bill("b1", due=30, issued=5), 10),
        # A card's bill issued by the date of a repayment that had something left over.
        (CARD, [bill("b1", due=30), repaid(amount=15_000, on=10)], bill("b2", due=40, issued=10), 10),
        # What a re-age of today covers.
        (rules(), [*LATE, f.Reaged("g1", day(20))], bill("b2", due=19), 20),
        (rules(), [*LATE, bill("b2", due=61), f.Reaged("g1", day(20))], repaid(on=20), 20),
        # An older card repayment that would have left a newer one for another bill.
        (
            CARD,
            [bill("b1", due=40, issued=10), bill("b2", due=50, issued=18), repaid("r2", on=20)],
            repaid("r1", on=15),
            20,
        ),
        # Of two equally old obligations, under `due_day`, the bill is one day ahead of the chargeback.
        (DUE_DAY, [bill("y", due=8), repaid(on=5), bill("z", due=12, issued=12)], f.ChargedBack("r1", day(12)), 12),
        # Adjustments that are not the last, that free money, or that meet it exactly.
        (rules(), [bill(due=30), f.Adjusted("b1", "j2", 5_000, day(9))], f.Adjusted("b1", "j1", 7_000, day(8)), 10),
        (rules(), [bill(due=30), repaid(amount=4_000, on=9)], f.Adjusted("b1", "j1", 4_000, day(10)), 10),
        (rules(), [bill(due=30), repaid(amount=4_000, on=9)], f.Adjusted("b1", "j1", 3_000, day(10)), 10),
        (rules(), [bill(due=30), repaid(amount=4_000, on=9)], f.Cancelled("b1", day(10)), 10),
        # Yesterday's delinquency, changed by what is told today.
        (rules(), LATE, f.Adjusted("b1", "j1", 0, day(15)), 20),
        (rules(), LATE, f.Paused("p1", day(18), day(19)), 20),
        (rules(), [*LATE, f.Paused("p1", day(12))], f.Resumed("p1", day(18)), 20),
        (MATERIAL, LATE, f.Balance("e1", 200_000, day(15)), 20),
        (rules(), LATE, f.Closed(day(19)), 20),
        (rules(), LATE, repaid(on=19), 20),
        (rules(), [], bill("b1", due=18), 20),
        # What came before the thing it is about.
        (rules(), [f.Adjusted("b1", "j1", 3_000, day(9))], bill("b1", due=30), 20),
        (rules(), [f.Cancelled("b1", day(9))], bill("b1", due=30), 20),
        (rules(), [bill(due=30), f.Reversed("r1", day(9))], repaid(on=19), 20),
        # Any fact, while another waits for its date.
        (rules(), [*LATE, repaid("r9", on=60)], repaid(on=20), 20),
        (rules(), [*LATE, f.Closed(day(60))], f.Balance("e1", 5, day(20)), 20),
    ],
)
def test_what_the_compact_ledger_cannot_place_is_placed_from_history(
    by: Rules, facts: list[f.Fact], last: f.Fact, on: int
) -> None:
    fed = Fed(by)
    for fact in facts:
        fed.fact(fact, recorded=min(on, max(1, (fact.effective_on - START).days + 1)))
    fed.closes(on)
    before = fed.from_history
    fed.fact(last, recorded=on)
    past = [fact for fact, _ in fed.past[1:]]
    assert fed.from_history == before + 1
    assert fed.now == assessed(past, on, by)
    for later in range(on + 1, on + 100):
        fed.closes(later)
        if fed.now.as_of == day(later):
            assert fed.now == assessed(past, later, by)
