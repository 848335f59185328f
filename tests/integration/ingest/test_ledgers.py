"""Ingest's handlers on a real database: any order, any cut, any number of times; day closes that can stop anywhere."""

import random
from collections.abc import Sequence
from datetime import date, timedelta
from itertools import groupby
from typing import Any

import pytest

from services.ingest import accounts, handlers, store
from services.ingest.domain.account import History
from services.ingest.tables import FactRow
from shared.contracts import banking, delinquency
from shared.contracts.fields import Amount, Contract
from shared.vocabulary.money import minor_units
from tests.integration.ingest.conftest import Ledgers, Told, noon

START = date(2026, 1, 1)


def day(number: int) -> date:
    """The n-th day of the story."""
    return START + timedelta(days=number)


def eur(text: str) -> Amount:
    return Amount.of(minor_units(text, "EUR"), "EUR")


def opened(account: str, policy: str = "instalment", currency: str = "EUR") -> banking.AccountOpened:
    return banking.AccountOpened(
        account_id=account,
        customer_id=f"customer-of-{account}",
        product="loan",
        currency=currency,
        policy=policy,
        classifications=("ifrs9",),
        opened_on=START,
        principal=Amount.of(90_000, currency),
    )


def billed(account: str, bill: str, due: int, amount: str = "100.00") -> banking.BillIssued:
    return banking.BillIssued(
        account_id=account, bill_id=bill, kind="instalment", amount=eur(amount), issued_on=START, due_on=day(due)
    )


def repaid(account: str, repayment: str, on: int, amount: str = "100.00") -> banking.RepaymentReceived:
    return banking.RepaymentReceived(
        account_id=account, repayment_id=repayment, amount=eur(amount), effective_on=day(on)
    )


def reversed_(account: str, repayment: str, on: int) -> banking.RepaymentReversed:
    return banking.RepaymentReversed(account_id=account, repayment_id=repayment, effective_on=day(on))


def closed(number: int) -> Told:
    """The close of the n-th day."""
    return banking.BusinessDayClosed(business_date=day(number)), noon(day(number))


def said(number: int, *facts: Contract) -> list[Told]:
    """Facts recorded on the n-th day."""
    return [(fact, noon(day(number))) for fact in facts]


async def stated(ledgers: Ledgers) -> list[tuple[str, str, int, str]]:
    """Event name, account, version and arrears of each status so far."""
    return [
        (type(e).__name__, e.account_id, e.version, e.arrears.amount)
        for e in await ledgers.told()
        if isinstance(e, delinquency.DelinquencyStatus)
    ]


FIGURES = ("account_id", "bucket", "arrears_minor", "exposure_minor", "state", "next_transition_on")


async def figures(ledgers: Ledgers) -> list[list[Any]]:
    return [[row[name] for name in FIGURES] for row in await ledgers.rows()]


STORY: Sequence[Told] = [
    *said(0, opened("a"), opened("b", policy="card-minimum-payment")),
    *said(1, billed("a", "a1", 3), billed("a", "a2", 33), billed("b", "b1", 5, "40.00")),
    *said(4, repaid("a", "ra1", 4)),
    *said(6, reversed_("a", "ra1", 6), repaid("b", "rb1", 6, "15.00")),
    *said(8, repaid("a", "ra2", 8, "60.00"), repaid("b", "rb2", 8, "80.00")),
]


async def test_a_late_bill_is_entered_rolled_and_cured(ledgers: Ledgers) -> None:
    await ledgers.take([*said(0, opened("a"), billed("a", "a1", 3)), closed(3)])
    await ledgers.take([closed(40)])
    await ledgers.take(said(41, repaid("a", "r1", 41)))
    assert await stated(ledgers) == [
        ("ArrearsChanged", "a", 1, "0.00"),
        ("DelinquencyEntered", "a", 2, "100.00"),
        ("DelinquencyRolled", "a", 3, "100.00"),
        ("ArrearsChanged", "a", 4, "100.00"),
        ("RepaymentApplied", "a", 5, "0.00"),
        ("DelinquencyCured", "a", 6, "0.00"),
    ]
    statuses = [e for e in await ledgers.told() if isinstance(e, delinquency.DelinquencyStatus)]
    rolled, restaged = statuses[2:4]
    assert (restaged.classifications, restaged.as_of) == ({"ifrs9": "stage-2"}, day(34))
    assert (rolled.previous_bucket, rolled.bucket, rolled.days_past_due) == ("1-29", "30-59", 30)
    assert rolled.cause == f"ageing:{day(33)}"
    cured = (await ledgers.told())[-1]
    assert (cured.through, cured.cause, cured.as_of) == ("repayment", "e0", day(41))


async def test_the_same_facts_again_change_nothing(ledgers: Ledgers) -> None:
    await ledgers.take(STORY)
    before, rows = await stated(ledgers), await ledgers.rows()
    await ledgers.take(reversed(STORY))
    assert ledgers.duplicates == len(STORY)
    assert (await stated(ledgers), await ledgers.rows()) == (before, rows)


async def test_any_order_ends_in_the_same_figures(ledgers: Ledgers) -> None:
    await ledgers.take([*STORY, closed(40)])
    expected = await figures(ledgers)
    for seed in range(12):
        await ledgers.clear()
        shuffled = random.Random(seed).sample(STORY, len(STORY))
        await ledgers.take([*shuffled, closed(40)])
        assert await figures(ledgers) == expected, f"seed {seed}"


async def test_events_do_not_depend_on_how_the_input_was_cut(ledgers: Ledgers) -> None:
    whole = [*STORY, *said(9, billed("a", "a0", 2, "10.00"))]
    await ledgers.take(whole)
    expected = sorted(await stated(ledgers))
    for seed in range(8):
        await ledgers.clear()
        cuts = sorted(random.Random(seed).sample(range(1, len(whole)), 3))
        for start, end in zip([0, *cuts], [*cuts, len(whole)], strict=True):
            await ledgers.take(whole[start:end])
        assert sorted(await stated(ledgers)) == expected, f"cuts {cuts}"


async def test_another_body_under_a_known_key_is_refused_and_the_first_stands(ledgers: Ledgers) -> None:
    first, other = billed("a", "a1", 3), billed("a", "a1", 3, "999.00")
    await ledgers.take(said(0, opened("a"), first, other))
    await ledgers.take([*said(1, other), closed(4)])
    assert ledgers.rejected == ["conflicting_duplicate", "conflicting_duplicate"]
    assert (await ledgers.rows())[0]["arrears_minor"] == 10_000


async def test_another_currency_and_an_unknown_policy_are_refused(ledgers: Ledgers) -> None:
    wrong = banking.RepaymentReceived(
        account_id="a", repayment_id="r", amount=Amount.of(500, "PLN"), effective_on=day(1)
    )
    await ledgers.take(said(0, wrong, opened("a"), opened("z", policy="no-such-pack")))
    assert sorted(ledgers.rejected) == ["unknown_policy", "wrong_currency"]
    assert [row["account_id"] for row in await ledgers.rows()] == ["a"]


async def test_facts_before_their_account_wait_and_count_when_it_opens(ledgers: Ledgers) -> None:
    await ledgers.take(said(1, billed("a", "a1", 3), repaid("a", "r1", 2, "30.00")))
    assert (await ledgers.http.get("/portfolio")).json()["facts_waiting"] == 2
    assert (await ledgers.http.get("/accounts/a/delinquency")).status_code == 404
    assert await stated(ledgers) == []
    await ledgers.take([*said(5, opened("a")), closed(5)])
    assert (await ledgers.http.get("/portfolio")).json()["facts_waiting"] == 0
    row = (await ledgers.rows())[0]
    assert (row["arrears_minor"], row["waiting"]) == (7_000, 0)
    answer = (await ledgers.http.get("/accounts/a/delinquency")).json()
    assert (answer["as_of"], answer["days_past_due"]) == (str(day(5)), 2)
    applied = [e for e in await ledgers.told() if isinstance(e, delinquency.RepaymentApplied)]
    assert [e.repayment_id for e in applied] == ["r1"]


async def test_a_weekend_is_aged_day_by_day_but_only_closed_dates_are_told(ledgers: Ledgers) -> None:
    await ledgers.take([*said(0, opened("a"), billed("a", "a1", 3)), closed(2)])
    await ledgers.take([closed(5)])
    told = await ledgers.told()
    assert [e.business_date for e in told if isinstance(e, delinquency.PortfolioAged)] == [day(2)] * 2 + [day(5)] * 2
    assert [e.as_of for e in told if isinstance(e, delinquency.DelinquencyEntered)] == [day(4)]


async def test_missed_days_are_aged_one_by_one_and_portfolio_aged_comes_last(ledgers: Ledgers) -> None:
    facts = [f for n in range(5) for f in (opened(f"a{n}"), billed(f"a{n}", "b", 3 + n % 2))]
    await ledgers.take([*said(0, *facts), closed(2)])
    await ledgers.take([closed(3), closed(4), closed(5)])
    told = await ledgers.told()
    days = [e.business_date for e in told if isinstance(e, delinquency.PortfolioAged)]
    # One copy for each partition of the topic.
    assert days == [d for n in (2, 3, 4, 5) for d in (day(n), day(n))]
    for n in (4, 5):
        last_status = max(i for i, e in enumerate(told) if getattr(e, "cause", "") == f"ageing:{day(n)}")
        assert last_status < next(i for i, e in enumerate(told) if getattr(e, "business_date", None) == day(n))
    entered = [e for e in told if isinstance(e, delinquency.DelinquencyEntered)]
    assert sorted((e.account_id, e.as_of) for e in entered) == [(f"a{n}", day(4 + n % 2)) for n in range(5)]


async def test_a_day_close_goes_on_where_it_stopped(ledgers: Ledgers) -> None:
    facts = [f for n in range(5) for f in (opened(f"a{n}"), billed(f"a{n}", "b", 3))]
    await ledgers.take([*said(0, *facts), closed(3)])
    close, at = closed(4)
    stop, ledgers.work_a_chunk = ledgers.work_a_chunk, no_more  # type: ignore[method-assign]  # the process dies here
    await ledgers.take([(close, at)])
    ledgers.work_a_chunk = stop  # type: ignore[method-assign]
    assert not any(isinstance(e, delinquency.DelinquencyEntered) for e in await ledgers.told())
    assert await ledgers.work_a_chunk()
    while await ledgers.work_a_chunk():
        pass
    assert not await ledgers.work_a_chunk()
    told = await ledgers.told()
    assert len([e for e in told if isinstance(e, delinquency.DelinquencyEntered)]) == 5
    assert [e.business_date for e in told if isinstance(e, delinquency.PortfolioAged)] == [day(3)] * 2 + [day(4)] * 2


async def no_more() -> bool:
    """A day close that is not reached."""
    return False


async def test_a_business_date_neither_repeats_nor_goes_back(ledgers: Ledgers) -> None:
    await ledgers.take([closed(3), closed(3), closed(1)])
    assert (ledgers.duplicates, ledgers.rejected) == (1, ["business_date_regressed"])


async def test_a_clock_event_is_refused_where_time_is_real(ledgers: Ledgers) -> None:
    await ledgers.take([(banking.ClockAdvanced(now=noon(day(1))), noon(day(1)))])
    assert ledgers.rejected == ["clock_not_simulated"]


async def test_what_is_published_can_be_recomputed_for_its_own_day(ledgers: Ledgers) -> None:
    await ledgers.take([*STORY, closed(40)])
    last = {e.account_id: e for e in await ledgers.told() if isinstance(e, delinquency.DelinquencyStatus)}
    for account_id, status in last.items():
        answer = (
            await ledgers.http.get(f"/accounts/{account_id}/delinquency", params={"as_of": str(status.as_of)})
        ).json()
        assert answer["arrears"] == {"amount": status.arrears.amount, "currency": status.arrears.currency}
        assert (answer["days_past_due"], answer["bucket"], answer["classifications"]) == (
            status.days_past_due,
            status.bucket,
            status.classifications,
        )


async def test_history_is_answered_as_of_any_day(ledgers: Ledgers) -> None:
    await ledgers.take([*said(0, opened("a"), billed("a", "a1", 3)), *said(10, repaid("a", "r1", 10)), closed(20)])
    seen = [
        (await ledgers.http.get("/accounts/a/delinquency", params={"as_of": str(day(n))})).json()["days_past_due"]
        for n in (3, 4, 9, 10, 20)
    ]
    assert seen == [0, 1, 6, 0, 0]


async def test_the_ledger_shows_which_repayment_met_which_bill(ledgers: Ledgers) -> None:
    await ledgers.take(said(5, opened("a"), billed("a", "a1", 3), billed("a", "a2", 9), repaid("a", "r1", 5, "130.00")))
    answer = (await ledgers.http.get("/accounts/a/ledger")).json()
    assert [(o["id"], o["paid"], o["unpaid"], o["allocations"]) for o in answer["obligations"]] == [
        ("a1", "100.00", "0.00", [{"to": "r1", "amount": "100.00"}]),
        ("a2", "30.00", "70.00", [{"to": "r1", "amount": "30.00"}]),
    ]


@pytest.mark.parametrize(
    ("path", "status", "title"),
    [
        ("/accounts/nobody/delinquency", 404, "account_not_found"),
        ("/accounts/nobody/ledger", 404, "account_not_found"),
        ("/policies/nothing", 404, "policy_not_found"),
        ("/accounts/a/delinquency?as_of=yesterday", 422, "invalid_request"),
    ],
)
async def test_questions_without_an_answer_say_why(ledgers: Ledgers, path: str, status: int, title: str) -> None:
    answer = await ledgers.http.get(path)
    assert (answer.status_code, answer.json()["title"]) == (status, title)


async def test_late_facts_on_many_accounts_hold_the_past_of_one_at_a_time(
    ledgers: Ledgers, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [f"a{n}" for n in range(5)]
    await ledgers.take(said(0, *(fact for name in names for fact in (opened(name), billed(name, "b1", 10)))))
    await ledgers.take(said(20, *(repaid(name, "r1", 20) for name in names)))
    done: list[tuple[str, str]] = []

    def read(*row: Any) -> FactRow:
        done.append(("read", row[0]))
        return FactRow(*row)

    def past_of(rows: Sequence[FactRow], currency: str | None) -> History:
        done.append(("worked", rows[0].account_id))
        return accounts.past_of(rows, currency)

    monkeypatch.setattr(store, "FactRow", read)
    monkeypatch.setattr(handlers, "past_of", past_of)
    await ledgers.take(said(21, *(reversed_(name, "r1", 20) for name in names)))
    assert [one for one, _ in groupby(done)] == [(what, name) for name in names for what in ("read", "worked")]
    assert [(row["account_id"], row["arrears_minor"]) for row in await ledgers.rows()] == [(n, 10_000) for n in names]
