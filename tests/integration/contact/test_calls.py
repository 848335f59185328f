"""Call tasks: leased to one collector, decided on at that moment, and what they bring."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from services.contact import call_outcomes, worker
from services.contact.call_outcomes import Answer, Filed
from services.contact.call_queue import Task
from services.contact.forms import OutcomeForm
from services.contact.store import projections
from services.contact.together import Together
from shared.contracts import collections
from shared.contracts.fields import Amount
from shared.vocabulary.errors import Rejected
from tests.integration.contact.lab import DAY, TUESDAY_NOON, Lab, customer, request, status


async def tasks(lab: Lab, collector: str = "ann", limit: int = 1) -> list[Task]:
    async with lab.commands.transaction() as tx:
        return await lab.queue.next(tx, collector, limit)


async def report(lab: Lab, contact_id: str = "k-1", **body: Any) -> dict[str, Any]:
    return await Together(lab.commands, call_outcomes.report_calls).run(filed(contact_id, **body))


def filed(contact_id: str = "k-1", **body: Any) -> Filed:
    form = OutcomeForm.model_validate({"collector": "ann", "outcome": "right_party"} | body)
    return Filed(contact_id, form.collector, form.report(), form.model_dump(mode="json"))


async def refusal(lab: Lab, **body: Any) -> str:
    with pytest.raises(Rejected) as caught:
        await report(lab, **body)
    return caught.value.reason


async def call_due(lab: Lab) -> None:
    await lab.tell(customer(), status(), request(channel="call", template="early-arrears"))


def many(count: int, **fields: Any) -> list[Any]:
    """Customers with an account in arrears and a call task each."""
    told: list[Any] = []
    for n in range(count):
        account = collections.AccountOwed(
            account_id=f"a-{n}", arrears=Amount(500, "EUR"), days_past_due=5, bucket="1-29"
        )
        told += [customer(f"c-{n}"), status(f"a-{n}", f"c-{n}")]
        told += [request(f"k-{n}", f"c-{n}", channel="call", accounts=(account,), priority=n, **fields)]
    return told


async def test_a_task_says_whom_to_call_and_about_what(lab: Lab) -> None:
    await call_due(lab)
    [task] = await tasks(lab)
    assert task.customer.name == "Ada Example"
    assert [endpoint.value for endpoint in task.endpoints] == ["+4915100000001"]
    assert task.arrears[0].amount_minor == 12_050
    assert task.leased_until == TUESDAY_NOON + timedelta(minutes=15)
    assert await lab.states() == {"k-1": "pending"}


async def test_the_dispatcher_leaves_calls_alone(lab: Lab) -> None:
    await call_due(lab)
    async with worker.registered(lab.engine) as registered:
        assert not await lab.dispatcher().round(registered)


async def test_one_task_goes_to_one_collector(lab: Lab) -> None:
    await lab.tell(*many(10))
    handed = await asyncio.gather(*(tasks(lab, f"collector-{n}", 3) for n in range(5)))
    ids = [task.request.contact_id for one in handed for task in one]
    assert sorted(ids) == [f"k-{n}" for n in range(10)]


async def test_the_most_urgent_come_first(lab: Lab) -> None:
    await lab.tell(*many(4))
    assert [task.request.contact_id for task in await tasks(lab, limit=2)] == ["k-3", "k-2"]


@pytest.mark.parametrize(
    ("news", "state"),
    [
        (status(version=2, arrears="0.00"), "suppressed"),
        (collections.HoldPlaced(case_id="case-1", customer_id="c-1", hold_id="h", kind="deceased"), "suppressed"),
    ],
)
async def test_a_task_that_became_wrong_is_not_handed_out(lab: Lab, news: Any, state: str) -> None:
    await call_due(lab)
    await lab.tell(news)
    assert await tasks(lab) == []
    assert await lab.states() == {"k-1": state}
    assert [decision["moment"] for decision in (await lab.show("k-1"))["decisions"]] == ["enqueue", "lease"]


async def test_out_of_hours_nothing_is_handed_out(lab: Lab) -> None:
    await call_due(lab)
    lab.move_clock(TUESDAY_NOON.replace(hour=21))
    assert await tasks(lab) == []
    assert await lab.states() == {"k-1": "planned"}
    lab.move_clock(TUESDAY_NOON + DAY)
    assert len(await tasks(lab)) == 1


async def test_tasks_that_wait_do_not_hide_those_that_may_be_worked(lab: Lab) -> None:
    await lab.tell(*many(30))
    await lab.tell(*(customer(f"c-{n}", revision=2, time_zone="Asia/Tokyo") for n in range(1, 30)))
    assert [task.request.contact_id for task in await tasks(lab)] == ["k-0"]


async def test_a_leased_call_counts_at_once(lab: Lab) -> None:
    """Three contacts in seven days: two texts, and a call on the line. A fourth must wait, whoever asks."""
    await lab.tell(customer(), status(), *(request(f"k-{n}") for n in range(3)))
    async with worker.registered(lab.engine) as registered:
        for day in range(2):
            lab.move_clock(TUESDAY_NOON + day * DAY)
            while await lab.dispatcher().round(registered):
                pass
        await lab.tell(request("call", channel="call"))
        lab.move_clock(TUESDAY_NOON + 2 * DAY)
        assert len(await tasks(lab)) == 1
        while await lab.dispatcher().round(registered):
            pass
    assert sorted((await lab.states()).values()) == ["pending", "sent", "sent", "suppressed"]


async def test_a_lease_that_ran_out_opens_the_task_again(lab: Lab) -> None:
    await call_due(lab)
    await tasks(lab)
    assert await tasks(lab, "bob") == []
    lab.move_clock(TUESDAY_NOON + timedelta(minutes=15))
    assert await refusal(lab) == "lease_expired_conflict"
    [task] = await tasks(lab, "bob")
    assert task.request.contact_id == "k-1"
    assert await refusal(lab) == "lease_conflict"
    await report(lab, collector="bob", outcome="no_answer")
    found = await lab.rows("SELECT state FROM attempt ORDER BY state")
    assert [row["state"] for row in found] == ["not_sent", "sent"]
    assert await lab.names() == ["ContactAttempted"]


async def test_a_promise_stops_contact_and_is_told(lab: Lab) -> None:
    await call_due(lab)
    await tasks(lab)
    due_on = (TUESDAY_NOON + 5 * DAY).date().isoformat()
    answer = await report(lab, promise={"amount": {"amount": "100.00", "currency": "EUR"}, "due_on": due_on})
    assert await lab.names() == ["ContactAttempted", "RightPartyReached", "PromiseMade"]
    promised = (await lab.emitted())[-1][1]
    assert promised["promise_id"] == answer["promise_id"]
    assert (promised["amount"], promised["due_on"]) == ({"amount": "100.00", "currency": "EUR"}, due_on)
    assert (promised["case_id"], promised["contact_id"]) == ("case-1", "k-1")
    await lab.tell(request("k-2"))
    assert (await lab.show("k-2"))["decisions"][0]["reason"] == "promise_open"
    kept = collections.PromiseKept(
        case_id="case-1", customer_id="c-1", promise_id=answer["promise_id"], promised=Amount(10_000, "EUR"),
        paid=Amount(10_000, "EUR"), promised_on=TUESDAY_NOON.date(), due_on=TUESDAY_NOON.date(),
        judged_on=TUESDAY_NOON.date(),
    )  # fmt: skip
    await lab.tell(kept, request("k-3"))
    assert (await lab.states())["k-3"] == "planned"


async def test_a_closed_case_ends_its_promises_and_no_other_s(lab: Lab) -> None:
    due_on = (TUESDAY_NOON + 5 * DAY).date()
    async with lab.engine.begin() as connection:
        for promise_id, customer_id, case_id in (
            ("p-1", "c-1", "case-1"),
            ("p-2", "c-1", "case-0"),
            ("p-3", "c-3", "x"),
        ):
            made = {"promise_id": promise_id, "customer_id": customer_id, "case_id": case_id, "contact_id": "k-0",
                    "amount_minor": 100, "currency": "EUR", "due_on": due_on, "made_at": TUESDAY_NOON}  # fmt: skip
            await projections.add_promises(connection, [made])
    closed = collections.CaseClosed(case_id="case-1", customer_id="c-1", closed_on=due_on, reason="cured")
    await lab.tell(closed)
    left = await lab.rows("SELECT promise_id FROM promise WHERE open ORDER BY promise_id")
    assert [row["promise_id"] for row in left] == ["p-2", "p-3"]


async def test_a_dispute_stops_contact_before_strategy_has_heard_of_it(lab: Lab) -> None:
    await call_due(lab)
    await tasks(lab)
    await report(lab, dispute={"reason": "not mine"}, complaint={"reason": "too early"}, opt_out=["sms"])
    names = await lab.names()
    assert names == ["ContactAttempted", "RightPartyReached", "DisputeRaised", "ComplaintReceived", "ConsentChanged"]
    await lab.tell(request("k-2", channel="email"))
    assert (await lab.show("k-2"))["decisions"][0]["reason"] == "hold"
    lab.move_clock(TUESDAY_NOON + 2 * DAY)
    await lab.tell(request("k-3", channel="email"))
    assert (await lab.states())["k-3"] == "planned", "the provisional hold ends; strategy's own takes its place"
    await lab.tell(request("k-4"))
    assert (await lab.show("k-4"))["decisions"][0]["reason"] == "opted_out_of_channel"


async def test_the_same_report_again_is_answered_the_same_and_tells_nothing_new(lab: Lab) -> None:
    await call_due(lab)
    await tasks(lab)
    first = await report(lab, outcome="voicemail")
    lab.move_clock(TUESDAY_NOON + DAY)
    assert await report(lab, outcome="voicemail") == first
    assert await lab.names() == ["ContactAttempted"]
    assert await refusal(lab, outcome="busy") == "outcome_conflict"


async def test_reports_that_cannot_be_are_refused_and_leave_nothing(lab: Lab) -> None:
    await call_due(lab)
    assert await refusal(lab) == "call_task_not_found"
    await tasks(lab)
    today = TUESDAY_NOON.date().isoformat()
    dollars = {"amount": {"amount": "1.00", "currency": "USD"}, "due_on": today}
    assert await refusal(lab, promise=dollars) == "promise_currency"
    tenths = {"amount": {"amount": "1.001", "currency": "EUR"}, "due_on": today}
    assert await refusal(lab, promise=tenths) == "too_many_decimals"
    assert await refusal(lab, outcome="no_answer", dispute={}) == "not_the_customer"
    assert await refusal(lab, collector="eve") == "lease_conflict"
    assert await lab.names() == []
    assert await lab.states() == {"k-1": "pending"}


async def test_reports_that_come_together_share_a_transaction_but_not_a_fate(lab: Lab) -> None:
    await lab.tell(*many(20))
    await tasks(lab, limit=20)
    together: Together[Filed, Answer] = Together(lab.commands, call_outcomes.report_calls)
    told = [filed(f"k-{n}", outcome="busy", collector="eve" if n == 7 else "ann") for n in range(20)]
    again, other = filed("k-3", outcome="busy"), filed("k-3", outcome="voicemail")
    answers = await asyncio.gather(*(together.run(one) for one in (*told, again, other)), return_exceptions=True)
    refused = [index for index, answer in enumerate(answers) if isinstance(answer, Rejected)]
    assert refused == [7, 21]
    assert answers[20] == answers[3]
    assert together.transactions <= 2
    assert await lab.names() == ["ContactAttempted"] * 19
    assert sorted((await lab.states()).values()) == ["pending"] + ["sent"] * 19


async def test_a_report_the_database_refuses_is_refused_alone(lab: Lab) -> None:
    await lab.tell(*many(3))
    await tasks(lab, limit=3)
    together: Together[Filed, Answer] = Together(lab.commands, call_outcomes.report_calls)
    bad = replace(filed("k-1", outcome="busy"), body={"nul": "\x00"})
    told = [filed("k-0", outcome="busy"), bad, filed("k-2", outcome="busy")]
    answers = await asyncio.gather(*(together.run(one) for one in told), return_exceptions=True)
    assert [isinstance(answer, Exception) for answer in answers] == [False, True, False]
    assert await lab.states() == {"k-0": "sent", "k-1": "pending", "k-2": "sent"}


async def test_a_withdrawn_task_is_gone(lab: Lab) -> None:
    await call_due(lab)
    await lab.tell(collections.ContactWithdrawn(case_id="case-1", customer_id="c-1", contact_id="k-1", reason="cured"))
    assert await tasks(lab) == []
