"""An account whose packs change: when its facts are needed to go on, and when they cannot matter."""

from dataclasses import replace

import pytest

from services.ingest.domain import facts as f
from services.ingest.domain.account import Account, HistoryNeeded, reassess, regoverned, remade
from services.ingest.domain.figures import spell_until
from services.ingest.domain.known import Known
from services.ingest.domain.policy import Band, Classification, Probation, Rules, Scale
from services.ingest.domain.spells import NO_SPELL
from tests.unit.ingest.cases import Fed, assessed, bill, day, kinds, opened, repaid, rules

COARSE = Rules(replace(rules().policy, version=2, buckets=Scale((Band("fine", 0), Band("late", 1)))))


def under(fed: Fed, by: Rules) -> Account:
    return Account.unpack("a-1", fed.account.pack(), lambda *_: by)


def test_without_arrears_other_buckets_need_no_facts() -> None:
    fed = Fed()
    fed.facts(bill(due=31), repaid(on=31))
    account = under(fed, COARSE)
    told = regoverned(account, fed.by, day(40), "policy:instalment@2", "policy")
    assert [(c.cause, c.reason, c.previous_bucket, c.assessment.bucket) for c in told] == [
        ("policy:instalment@2", "policy", "current", "fine")
    ]
    assert account.as_of == day(40)


@pytest.mark.parametrize("by", [COARSE, Rules(replace(rules().policy, surplus="settles_balance"))])
def test_with_arrears_or_another_ledger_the_facts_are_needed(by: Rules) -> None:
    fed = Fed()
    fed.facts(bill(due=31))
    with pytest.raises(HistoryNeeded):
        regoverned(under(fed, by), fed.by, day(40), "policy:instalment@2", "policy")


def test_grace_that_a_new_version_gives_cures_and_its_end_enters_again() -> None:
    lenient = Rules(replace(rules().policy, version=2, grace_days=10))
    fed = Fed()
    fed.facts(bill(due=31))
    fed.closes(36)
    account = under(fed, lenient)
    told = reassess(account, day(36), "policy:instalment@2", "policy", fed.past)
    assert (kinds(told), told[0].through, told[0].assessment.arrears_minor) == (["cured"], "policy", 10_000)
    assert account.assessment is not None
    assert account.assessment.next_transition_on == day(42)


LATE: list[f.Fact] = [bill(due=31), opened(), repaid(on=50)]
"""In any order, the last not yet counting where it is asked for."""


@pytest.mark.parametrize(("came_to", "asked", "as_of"), [(35, 45, 45), (45, 35, 45), (45, 45, 45)])
def test_an_account_is_made_anew_as_of_its_own_day_or_a_later_one(came_to: int, asked: int, as_of: int) -> None:
    fed = Fed()
    fed.fact(bill(due=31))
    fed.closes(came_to)
    account = under(fed, COARSE)
    told = reassess(account, day(asked), "policy:instalment@2", "policy", [(fact, day(1)) for fact in LATE])
    assert [(c.kind, c.cause, c.reason, c.version) for c in told] == [("rolled", "policy:instalment@2", "policy", 3)]
    assert account.assessment == assessed(LATE, as_of, COARSE)
    assert account.assessment.next_transition_on == day(50)
    assert (account.as_of, account.post_dated) == (day(as_of), True)


def test_an_account_that_has_not_opened_is_made_of_nothing() -> None:
    account = Account.new("a-1", lambda *_: COARSE)
    assert reassess(account, day(45), "c", "policy", [(bill(), day(1))]) == []
    assert (account.rules, account.assessment) == (None, None)
    made = remade("a-1", [bill(), repaid()], lambda *_: COARSE, day(45))
    assert (made.account_id, made.waiting, made.as_of, made.rules) == ("a-1", 2, day(45), None)


def test_an_account_made_from_nothing_is_what_its_facts_come_to() -> None:
    fed = Fed()
    fed.facts(bill(due=31))
    fed.fact(repaid(on=50), recorded=45)
    fed.closes(45)
    made = remade("a-1", LATE, lambda *_: fed.by, day(45))
    assert (made.account_id, made.waiting, made.as_of, made.version) == ("a-1", 0, day(45), 0)
    assert (made.customer_id, made.currency, made.policy, made.rules) == ("c-1", "EUR", "instalment", fed.by)
    assert made.assessment == assessed(LATE, 45)
    assert made.assessment.next_transition_on == day(50)
    assert made.ledger.pack() == fed.account.ledger.pack()
    assert (made.eve, made.spell) == (fed.account.eve, fed.account.spell)


ON_PROBATION = Rules(
    rules().policy, (Classification("trial", 1, Scale((Band("fine", 0), Band("bad", 5))), 5, None, Probation(3, 12)),)
)


@pytest.mark.parametrize("by", [rules(), ON_PROBATION])
@pytest.mark.parametrize("on", [49, 50, 51, 52, 60])
def test_the_eve_of_an_account_made_from_nothing_is_the_day_before(by: Rules, on: int) -> None:
    facts: list[f.Fact] = [opened(), bill(due=31), repaid(on=50)]
    made = remade("a-1", facts, lambda *_: by, day(on))
    known = Known(facts)
    assert made.eve == spell_until(known, by, day(on - 1))
    assert made.spell == spell_until(known, by, day(on))


def current_on(on: int, by: Rules | None = None) -> Fed:
    """An account without arrears that came to the day."""
    fed = Fed(by or rules())
    fed.closes(on)
    return fed


@pytest.mark.parametrize(("asked", "refused"), [(39, True), (40, True), (41, False)])
def test_only_a_later_day_needs_no_facts(asked: int, refused: bool) -> None:
    fed = current_on(40)
    account = under(fed, COARSE)
    if refused:
        with pytest.raises(HistoryNeeded):
            regoverned(account, fed.by, day(asked), "c", "policy")
    else:
        assert kinds(regoverned(account, fed.by, day(asked), "c", "policy")) == ["arrears_changed"]


def test_accounts_that_wait_or_have_a_probation_need_their_facts() -> None:
    waiting = Account.new("a-1", lambda *_: COARSE)
    post_dated = current_on(40)
    post_dated.fact(repaid(on=60), recorded=40)
    tracked = current_on(40, ON_PROBATION)
    for account in (waiting, under(post_dated, COARSE), under(tracked, ON_PROBATION)):
        with pytest.raises(HistoryNeeded):
            regoverned(account, rules(), day(45), "c", "policy")


@pytest.mark.parametrize(("on", "refused"), [(49, False), (50, False), (51, False), (52, True)])
def test_arrears_of_the_eve_need_the_facts_and_those_of_the_day_do_not(on: int, refused: bool) -> None:
    fed = current_on(40)
    fed.fact(bill(due=50, issued=40))
    account = under(fed, COARSE)
    if refused:
        with pytest.raises(HistoryNeeded):
            regoverned(account, fed.by, day(on), "c", "policy")
    else:
        told = regoverned(account, fed.by, day(on), "c", "policy")
        assert told[-1].assessment == assessed([bill(due=50, issued=40)], on, COARSE)
        assert (account.eve, account.as_of) == (NO_SPELL, day(on))
