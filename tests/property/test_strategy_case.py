"""The fold of one customer under random stories: repeats, cuts and order where it must not matter."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from services.strategy.domain.customer import Customer
from services.strategy.domain.facts import Fact, RepaymentMoved, StatusChanged
from services.strategy.domain.raised import Closed, Judged, Opened, Raised, Treated, Withdrawn
from services.strategy.domain.react import react
from services.strategy.domain.settle import end_day
from services.strategy.domain.strategy import StrategyBook
from tests.unit.strategy.cases import (
    MONDAY,
    book,
    contacted,
    day,
    dispute,
    lifted,
    now,
    owes,
    promised,
    repaid,
    strategy,
)

DAYS = 30
Entry = tuple[int, str, int, int]


def story(entries: list[Entry]) -> list[tuple[int, Fact]]:
    """Facts by day, with versions as ingest would give them: counting per account."""
    versions: dict[str, int] = {}
    told: list[tuple[int, Fact]] = []
    for number, (on, kind, account, amount) in enumerate(sorted(entries, key=lambda e: e[0])):
        account_id, when = f"a-{account}", day(on)
        versions[account_id] = version = versions.get(account_id, 0) + 1
        facts: dict[str, Fact] = {
            "owes": owes(version, when, account_id=account_id, arrears=amount, dpd=1 + amount % 80),
            "cured": StatusChanged(
                replace(
                    owes(version, when, account_id=account_id, arrears=0, delinquent=False).account, through="repayment"
                )
            ),
            "repaid": repaid(version, when, amount, account_id=account_id, key=f"r-{number}"),
            "reversed": repaid(version, when, -amount, account_id=account_id, key=f"r-{max(0, number - 1)}"),
            "promised": promised(when, when + timedelta(days=amount % 9), amount, key=f"p-{account}"),
            "dispute": dispute(when, key=f"d-{account}"),
            "lifted": lifted(when, key=f"d-{account}"),
        }
        told.append((on, facts[kind]))
    return told


ENTRIES = st.lists(
    st.tuples(
        st.integers(0, DAYS),
        st.sampled_from(["owes", "owes", "cured", "repaid", "reversed", "promised", "dispute", "lifted"]),
        st.integers(1, 3),
        st.integers(1, 20_000),
    ),
    max_size=25,
)
DECIDE = st.sampled_from(["at_day_end", "on_change"])


def run(told: list[tuple[int, Fact]], strategies: StrategyBook) -> tuple[Customer, list[Raised]]:
    """Fold a story day by day."""
    customer, raised = Customer("c-1"), []
    for number in range(DAYS + 15):
        for on, fact in told:
            if on == number:
                raised += react(customer, fact, now(MONDAY), strategies)
        raised += end(customer, day(number), strategies)
    return customer, raised


def end(customer: Customer, on: date, strategies: StrategyBook) -> list[Raised]:
    """The end of a day, for a customer who is due."""
    due = customer.next_decision_on
    return end_day(customer, on, now(on), strategies) if due is not None and due <= on else []


def owed(customer: Customer) -> int:
    """Arrears of delinquent accounts."""
    return sum(account.arrears_minor for account in customer.delinquent_accounts())


def without_sequence(raised: list[Raised]) -> list[tuple[Any, ...]]:
    return [(type(event).__name__, repr(event)) for event in raised]


@given(ENTRIES, DECIDE)
@settings(deadline=None, max_examples=150)
def test_facts_that_come_twice_change_nothing(entries: list[Entry], decide: Any) -> None:
    told, strategies = story(entries), book(strategy(decide=decide))
    doubled = [entry for entry in told for _ in range(2)]
    once, twice = run(told, strategies), run(doubled, strategies)
    assert without_sequence(once[1]) == without_sequence(twice[1])
    assert once[0] == twice[0]


@given(ENTRIES, st.randoms(use_true_random=False))
@settings(deadline=None, max_examples=150)
def test_statuses_and_repayments_of_a_day_may_come_in_any_order(entries: list[Entry], random: Any) -> None:
    """What ingest says is ordered per account only. Where nothing else happens and nothing is withdrawn mid-day for a
    moment without arrears, the day's decisions are the same."""
    told: list[tuple[int, Fact]] = [
        (on, fact) for on, fact in story(entries) if isinstance(fact, StatusChanged | RepaymentMoved)
    ]
    shuffled = list(told)
    random.shuffle(shuffled)
    strategies = book(strategy())
    first, second = run(told, strategies), run(shuffled, strategies)
    assert {key: a.version for key, a in first[0].accounts.items()} == {
        key: a.version for key, a in second[0].accounts.items()
    }
    assert owed(first[0]) == owed(second[0])
    kinds = (Opened, Closed)
    assert [repr(e) for e in first[1] if isinstance(e, kinds)] == [repr(e) for e in second[1] if isinstance(e, kinds)]


@given(ENTRIES, DECIDE)
@settings(deadline=None, max_examples=150)
def test_nobody_without_arrears_or_with_a_hold_or_promise_is_treated(entries: list[Entry], decide: Any) -> None:
    strategies = book(strategy(decide=decide))
    customer = Customer("c-1")
    told = story(entries)
    for number in range(DAYS + 15):
        for on, fact in told:
            if on == number:
                check(customer, react(customer, fact, now(MONDAY), strategies))
        check(customer, end(customer, day(number), strategies))
        due = customer.next_decision_on
        assert due is None or due > day(number), "a decided customer is not due again on the same day"


def check(customer: Customer, raised: list[Raised]) -> None:
    for event in raised:
        if isinstance(event, Treated):
            assert owed(customer) >= 2_000
            assert sum(event.arrears.values()) == owed(customer)
            assert not customer.active_holds()
            assert not customer.open_promises()
    if not owed(customer) or customer.active_holds() or customer.open_promises():
        assert not [t for t in customer.treatments.values() if t.outstanding]


@given(ENTRIES, DECIDE)
@settings(deadline=None, max_examples=150)
def test_cases_open_and_close_in_turn_and_contacts_are_asked_for_once(entries: list[Entry], decide: Any) -> None:
    _, raised = run(story(entries), book(strategy(decide=decide)))
    turns = [event for event in raised if isinstance(event, Opened | Closed)]
    assert [isinstance(e, Opened) for e in turns] == [n % 2 == 0 for n in range(len(turns))]
    assert [e.case.number for e in turns if isinstance(e, Opened)] == list(range(1, (len(turns) + 1) // 2 + 1))
    asked = [e.treatment.contact_id for e in raised if isinstance(e, Treated)]
    assert len(asked) == len(set(asked))
    withdrawn = [e.treatment.contact_id for e in raised if isinstance(e, Withdrawn)]
    assert len(withdrawn) == len(set(withdrawn))
    assert set(withdrawn) <= set(asked)


@given(ENTRIES, st.integers(1, DAYS))
@settings(deadline=None, max_examples=100)
def test_news_of_a_contact_in_between_never_makes_a_second_one_of_it(entries: list[Entry], later: int) -> None:
    strategies = book(strategy())
    customer = Customer("c-1")
    asked: list[str] = []
    for number in range(DAYS + 15):
        facts = [fact for on, fact in story(entries) if on == number]
        facts += [contacted(one, day(number)) for one in asked[: number // later]]
        for fact in facts:
            react(customer, fact, now(MONDAY), strategies)
        raised = end(customer, day(number), strategies)
        asked += [e.treatment.contact_id for e in raised if isinstance(e, Treated)]
    assert len(asked) == len(set(asked))


@given(ENTRIES)
@settings(deadline=None, max_examples=100)
def test_a_promise_ends_as_its_repayments_say(entries: list[Entry]) -> None:
    customer, raised = run(story(entries), book(strategy()))
    last = {e.promise.promise_id: e.promise.state for e in raised if isinstance(e, Judged)}
    for promise in customer.promises.values():
        counted = sum(
            r.net_between(promise.promised_on, promise.judge_on)
            for r in customer.repayments.values()
            if not promise.accounts or r.account_id in promise.accounts
        )
        if promise.judge_on <= day(DAYS + 10):
            assert last[promise.promise_id] == promise.state
            assert (promise.state == "kept") == (counted >= promise.threshold_minor)
