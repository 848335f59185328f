"""What was believed then: answers from facts equal what was published, whatever came after, whichever policy ruled."""

import random
import threading
from collections.abc import Callable
from datetime import timedelta, timezone
from typing import Any

import pytest

from services.ingest import api
from shared.contracts import banking
from shared.contracts.fields import Contract
from tests.integration.ingest.conftest import Ledgers, Told, noon
from tests.integration.ingest.test_ledgers import billed, closed, day, eur, opened, repaid, reversed_, said
from tests.integration.ingest.test_policies import LENIENT, in_force, work_on

FIGURES = (
    "as_of", "days_past_due", "bucket", "arrears", "exposure", "oldest_due_on", "classifications", "state",
    "delinquent", "delinquent_since",
)  # fmt: skip


async def asked(ledgers: Ledgers, account_id: str, **query: str) -> Any:
    return (await ledgers.http.get(f"/accounts/{account_id}/delinquency", params=query)).json()


async def statuses(ledgers: Ledgers, account_id: str) -> list[Any]:
    answer = await ledgers.http.get(f"/accounts/{account_id}/statuses", params={"limit": 1000})
    found: list[Any] = answer.json()["statuses"]
    return found


async def same_as_published(ledgers: Ledgers, account_id: str) -> int:
    """Asks about each published status at its instant; how many there were. Those of one instant are one belief."""
    published = await statuses(ledgers, account_id)
    last = {status["told_at"]: status for status in published}
    for told_at, status in last.items():
        answer = await asked(ledgers, account_id, known_at=told_at, as_of=status["as_of"])
        assert {name: answer[name] for name in FIGURES} == {name: status[name] for name in FIGURES}
        assert answer["version"] == status["version"]
    return len(last)


def life(pick: random.Random) -> list[Told]:
    """Facts of one account in the order they arrive, some late, some undone; days close in between."""
    told: list[Told] = said(0, opened("a"))
    for today in range(1, 30):
        facts: list[Contract] = []
        if pick.random() < 0.25:
            facts.append(
                billed("a", f"b{today}", pick.randint(max(1, today - 4), today + 6), f"{pick.randint(1, 9)}0.00")
            )
        if pick.random() < 0.3:
            facts.append(
                repaid("a", f"r{today}", pick.randint(max(1, today - 6), today + 1), f"{pick.randint(1, 9)}5.00")
            )
        if pick.random() < 0.1:
            facts.append(reversed_("a", f"r{pick.randint(1, today)}", today))
        if pick.random() < 0.1:
            facts.append(
                banking.BalanceReported(
                    account_id="a", balance_id=f"e{today}", exposure=eur("500.00"), effective_on=day(today)
                )
            )
        told += said(today, *facts)
        if pick.random() < 0.7:
            told.append(closed(today))
    return [*told, closed(30)]


@pytest.mark.parametrize("seed", range(10))
async def test_every_published_status_is_believed_at_its_instant(ledgers: Ledgers, seed: int) -> None:
    pick = random.Random(seed)
    whole = life(pick)
    change_at = pick.randint(5, len(whole) - 1)
    at = 0
    while at < len(whole):
        if at >= change_at:
            change_at = len(whole)
            await in_force(ledgers)
            if pick.random() < 0.5:
                await work_on(ledgers)
        cut = pick.choice([1, 1, 2, 5])
        await ledgers.take(whole[at : at + cut])
        at += cut
    assert await same_as_published(ledgers, "a") > 3


async def test_a_late_correction_leaves_the_old_belief_and_says_its_cause(ledgers: Ledgers) -> None:
    await ledgers.take([*said(0, opened("a"), billed("a", "a1", 3)), closed(10)])
    believed = ledgers.now.isoformat()
    await ledgers.take(said(12, repaid("a", "late", 2)))
    before, after = (
        await asked(ledgers, "a", known_at=believed, as_of="2026-01-09"),
        await asked(ledgers, "a", as_of="2026-01-09"),
    )
    assert (before["days_past_due"], after["days_past_due"]) == (5, 0)
    last = (await statuses(ledgers, "a"))[-1]
    assert (last["kind"], last["reason"], last["cause"], last["through"]) == ("cured", "repayment", "e0", "repayment")
    assert [s["version"] for s in await statuses(ledgers, "a")] == [1, 2, 3, 4]
    ledger = (await ledgers.http.get("/accounts/a/ledger", params={"known_at": believed})).json()
    assert ledger["repayments"] == []


async def test_one_may_ask_what_another_policy_would_say(ledgers: Ledgers) -> None:
    await ledgers.take([*said(0, opened("a"), billed("a", "a1", 3)), closed(8)])
    assert (await asked(ledgers, "a"))["bucket"] == "1-29"
    assert (await asked(ledgers, "a", policy="cn-five-tier"))["bucket"] == "M1"
    await ledgers.http.put("/policies/instalment", json={"actor": "anna", "pack": LENIENT})
    draft = await asked(ledgers, "a", policy="instalment@2")
    assert (draft["bucket"], draft["policy_version"]) == ("current", 2)
    missing = await ledgers.http.get("/accounts/a/delinquency", params={"policy": "instalment@9"})
    assert (missing.status_code, missing.json()["title"]) == (404, "policy_not_found")


async def test_before_anything_was_known_there_is_no_answer(ledgers: Ledgers) -> None:
    before = (ledgers.now - timedelta(days=1)).isoformat()
    await ledgers.take(said(0, opened("a")))
    answer = await ledgers.http.get("/accounts/a/delinquency", params={"known_at": before})
    assert (answer.status_code, answer.json()["title"]) == (404, "account_not_found")
    assert (await ledgers.http.get("/accounts/nobody/statuses")).status_code == 404


async def test_statuses_are_paged(ledgers: Ledgers) -> None:
    await ledgers.take([*said(0, opened("a"), billed("a", "a1", 3)), closed(100)])
    everything = [s["version"] for s in await statuses(ledgers, "a")]
    first = (await ledgers.http.get("/accounts/a/statuses", params={"limit": 2})).json()
    rest = (await ledgers.http.get("/accounts/a/statuses", params={"after": first["next_after"]})).json()
    assert [s["version"] for s in first["statuses"] + rest["statuses"]] == everything
    assert rest["next_after"] is None


async def test_the_ledger_has_a_running_balance(ledgers: Ledgers) -> None:
    facts = [opened("a"), billed("a", "a1", 3), repaid("a", "r1", 2, "30.00"), repaid("a", "r2", 4, "50.00"),
             banking.RepaymentChargedBack(account_id="a", repayment_id="r2", effective_on=day(6))]  # fmt: skip
    await ledgers.take([*said(6, *facts), closed(7)])
    entries = (await ledgers.http.get("/accounts/a/ledger")).json()["entries"]
    assert [(e["id"], e["kind"], e["balance"]) for e in entries] == [
        ("a1", "owed", "100.00"),
        ("r1", "received", "70.00"),
        ("r2", "received", "20.00"),
        ("chargeback:r2", "owed", "70.00"),
    ]


async def test_waiting_facts_in_another_currency_never_count(ledgers: Ledgers) -> None:
    wrong = banking.BillIssued(
        account_id="a",
        bill_id="w",
        kind="instalment",
        amount=eur("9.00")._replace(currency="PLN"),
        issued_on=day(0),
        due_on=day(1),
    )
    await ledgers.take([(wrong, noon(day(0)))])
    await ledgers.take([*said(2, opened("a"), billed("a", "a1", 3)), closed(5)])
    assert (await ledgers.rows())[0]["arrears_minor"] == 10_000


async def test_the_last_day_known_is_a_day_of_utc_in_whichever_zone_is_asked(ledgers: Ledgers) -> None:
    await ledgers.take([*said(0, opened("a"), billed("a", "b", 1)), closed(8)])
    elsewhere = noon(day(5)).astimezone(timezone(timedelta(hours=14)))
    there = await asked(ledgers, "a", known_at=elsewhere.isoformat())
    assert there == await asked(ledgers, "a", known_at=noon(day(5)).isoformat())
    assert there["as_of"] == day(5).isoformat()


async def test_the_zone_a_fact_is_written_in_changes_nothing(ledgers: Ledgers) -> None:
    late = noon(day(4)).replace(hour=23)
    for account, at in (("a", late), ("b", late.astimezone(timezone(timedelta(hours=2))))):
        await ledgers.take([*said(0, opened(account), billed(account, "b", 1)), (repaid(account, "r", 5), at)])
    one, other = [await statuses(ledgers, account) for account in ("a", "b")]
    assert [s["as_of"] for s in one] == [s["as_of"] for s in other]


async def test_a_long_ledger_is_assessed_beside_the_event_loop(
    ledgers: Ledgers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On it, the shards of the process would miss their heartbeats."""
    await ledgers.take(said(0, opened("a"), billed("a", "b", 1)))
    where: list[threading.Thread] = []

    def noted(real: Callable[..., Any]) -> Callable[..., Any]:
        def answer(*given: Any) -> Any:
            where.append(threading.current_thread())
            return real(*given)

        return answer

    for name in ("assess", "explain", "ledger_view"):
        monkeypatch.setattr(api, name, noted(getattr(api, name)))
    await asked(ledgers, "a")
    await ledgers.http.get("/accounts/a/ledger")
    assert len(where) == 3
    assert threading.main_thread() not in where
