"""The routes as collectors, customers, operations and auditors use them."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import pytest_asyncio
from fastapi import FastAPI

from services.contact import api
from services.contact.channels.port import Went
from services.contact.providers import ReceiptReader
from shared.contracts import banking
from shared.runtime import problems
from tests.integration.contact.lab import TUESDAY_NOON, Lab, customer, request, status
from tests.integration.contact.sending import TOKEN, send_all


@pytest_asyncio.fixture
async def client(lab: Lab) -> AsyncIterator[httpx.AsyncClient]:
    app = FastAPI()
    problems.install(app)
    reader = ReceiptReader("http://contact/providers/sms/status", "secret", signature_required=False)
    app.include_router(api.router(api.Parts(lab.engine, lab.commands, lab.queue, reader, ("sms", "email"))))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://contact") as one:
        yield one


async def problem(client: httpx.AsyncClient, method: str, path: str, body: Any = None) -> tuple[int, str]:
    answer = await client.request(method, path, json=body)
    assert answer.headers["content-type"] == "application/problem+json"
    return answer.status_code, answer.json()["title"]


async def test_a_collector_s_morning(lab: Lab, client: httpx.AsyncClient) -> None:
    await lab.tell(customer(), status(), request(channel="call", template="early-arrears", priority=30))
    [task] = (await client.post("/call-tasks/next", json={"collector": "ann"})).json()["tasks"]
    assert (task["contact_id"], task["name"], task["priority"]) == ("k-1", "Ada Example", 30)
    assert task["numbers"] == [{"kind": "mobile", "value": "+4915100000001"}]
    assert task["accounts"] == [{"account_id": "a-1", "arrears": {"amount": "120.50", "currency": "EUR"}}]
    assert task["arrears"] == [{"amount": "120.50", "currency": "EUR"}]
    assert (await client.post("/call-tasks/next", json={"collector": "bob", "limit": 5})).json() == {"tasks": []}
    report = {
        "collector": "ann", "outcome": "right_party", "opt_out": ["sms"],
        "promise": {"amount": task["arrears"][0], "due_on": "2026-03-20"},
    }  # fmt: skip
    first = await client.post("/call-tasks/k-1/outcome", json=report)
    assert first.status_code == 200
    assert (await client.post("/call-tasks/k-1/outcome", json=report)).json() == first.json()
    other = report | {"outcome": "refused", "promise": None}
    assert await problem(client, "POST", "/call-tasks/k-1/outcome", other) == (409, "outcome_conflict")


@pytest.mark.parametrize(
    ("path", "body", "status_code"),
    [
        ("/call-tasks/next", {"collector": "", "limit": 1}, 422),
        ("/call-tasks/next", {"collector": "ann", "limit": 0}, 422),
        ("/call-tasks/next", {"collector": "ann", "limit": 51}, 422),
        ("/call-tasks/no-such/outcome", {"collector": "ann", "outcome": "busy"}, 404),
        ("/call-tasks/no-such/outcome", {"collector": "ann", "outcome": "slept"}, 422),
        ("/call-tasks/no-such/outcome", {"collector": "ann", "outcome": "busy", "opt_out": True}, 422),
        ("/call-tasks/no-such/outcome", {"collector": "ann", "outcome": "busy", "mood": "good"}, 422),
        ("/call-tasks/no\x00such/outcome", {"collector": "ann", "outcome": "busy"}, 422),
        ("/inbound", {"customer_id": "nobody", "channel": "sms", "text": "STOP"}, 404),
        ("/inbound", {"customer_id": "c-1", "channel": "pigeon", "text": "STOP"}, 422),
        ("/attempts/no-such/resolve", {"state": "sent", "by": "ops"}, 404),
        ("/attempts/no-such/resolve", {"state": "pending", "by": "ops"}, 422),
        ("/providers/sms/status", {}, 422),
    ],
)
async def test_what_makes_no_sense_is_refused(
    client: httpx.AsyncClient, path: str, body: dict[str, Any], status_code: int
) -> None:
    assert (await problem(client, "POST", path.replace("\x00", "%00"), body))[0] == status_code


async def test_stop_stops(lab: Lab, client: httpx.AsyncClient) -> None:
    await lab.tell(customer(), status(), request())
    polite = {"customer_id": "c-1", "channel": "sms", "text": "I will pay tomorrow"}
    assert (await client.post("/inbound", json=polite)).json()["action"] == "none"
    for _ in range(2):
        answer = await client.post("/inbound", json=polite | {"text": "Stop!"})
        assert answer.json() == {"customer_id": "c-1", "action": "opted_out"}
    await send_all(lab)
    assert not lab.sms.received
    assert await lab.names() == ["ConsentChanged", "ContactSuppressed"]


async def test_an_earlier_consent_that_arrives_late_does_not_undo_an_opt_out(
    lab: Lab, client: httpx.AsyncClient
) -> None:
    await lab.tell(customer(), status(), request())
    await client.post("/inbound", json={"customer_id": "c-1", "channel": "sms", "text": "STOP"})
    await lab.tell(banking.ConsentGiven(customer_id="c-1", channel="sms", effective_at=TUESDAY_NOON))
    await send_all(lab)
    assert await lab.states() == {"k-1": "suppressed"}


async def test_an_auditor_sees_what_was_sent_and_why(lab: Lab, client: httpx.AsyncClient) -> None:
    await lab.tell(customer(), status(), request("k-1"), request("k-2", channel="letter"))
    await send_all(lab)
    contact = (await client.get("/contacts/k-1")).json()
    assert contact["state"] == "sent"
    assert [decision["moment"] for decision in contact["decisions"]] == ["enqueue", "dispatch"]
    assert "120.50 EUR" in contact["attempts"][0]["body"]
    both = (await client.get("/customers/c-1/contacts")).json()["contacts"]
    assert {one["contact_id"]: one["state"] for one in both} == {"k-1": "sent", "k-2": "suppressed"}
    assert (await client.get("/customers/nobody/contacts")).json() == {"contacts": []}
    assert await problem(client, "GET", "/contacts/nothing") == (404, "contact_not_found")


async def test_a_person_settles_what_no_provider_can(lab: Lab, client: httpx.AsyncClient) -> None:
    lab.email.goes = [Went.UNKNOWN]
    await lab.tell(customer(), status(), request(channel="email"))
    await send_all(lab)
    [unknown] = (await client.get("/attempts", params={"state": "unknown"})).json()["attempts"]
    assert unknown["attempt_id"] == TOKEN
    finding = {"state": "sent", "by": "ops-1"}
    assert (await client.post(f"/attempts/{TOKEN}/resolve", json=finding)).json()["state"] == "sent"
    assert (await client.post(f"/attempts/{TOKEN}/resolve", json=finding)).status_code == 200
    refused = await problem(client, "POST", f"/attempts/{TOKEN}/resolve", finding | {"state": "failed"})
    assert refused == (409, "attempt_conflict")
    assert await lab.names() == ["ContactAttempted"]


async def test_what_a_person_says_never_left_is_planned_again_and_passes_the_gate_anew(
    lab: Lab, client: httpx.AsyncClient
) -> None:
    lab.email.goes = [Went.UNKNOWN, Went.UNKNOWN]
    finding = {"state": "not_sent", "by": "ops-1"}
    await lab.tell(customer(), status(), request(channel="email"))
    for _ in range(2):
        await send_all(lab)
        assert await lab.states() == {"k-1": "unknown"}
        assert (await client.post(f"/attempts/{TOKEN}/resolve", json=finding)).json()["state"] == "not_sent"
        assert await lab.states() == {"k-1": "planned"}
    assert (await client.post(f"/attempts/{TOKEN}/resolve", json=finding)).status_code == 200
    await send_all(lab)
    assert await lab.states() == {"k-1": "sent"}
    assert await problem(client, "POST", f"/attempts/{TOKEN}/resolve", finding) == (409, "attempt_conflict")
    assert await lab.names() == ["ContactAttempted"]
    moments = [decision["moment"] for decision in (await client.get("/contacts/k-1")).json()["decisions"]]
    assert moments == ["enqueue", "dispatch", "dispatch", "dispatch"]


async def test_a_receipt_comes_in_twilio_s_form(lab: Lab, client: httpx.AsyncClient) -> None:
    await lab.tell(customer(), status(), request())
    await send_all(lab)
    form = {"MessageSid": f"fake-{TOKEN}", "MessageStatus": "delivered"}
    answer = await client.post(f"/providers/sms/status?attempt={TOKEN}", data=form)
    assert answer.status_code == 204
    assert await lab.states() == {"k-1": "delivered"}
    strange = await client.post("/providers/sms/status?attempt=unheard-of", data=form)
    assert strange.status_code == 404
