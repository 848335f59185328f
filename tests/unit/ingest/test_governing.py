"""An account whose packs change: when its facts are needed to go on, and when they cannot matter."""

from dataclasses import replace

import pytest

from services.ingest.domain.account import Account, HistoryNeeded, reassess, regoverned
from services.ingest.domain.policy import Band, Rules, Scale
from tests.unit.ingest.cases import Fed, bill, day, kinds, repaid, rules

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
