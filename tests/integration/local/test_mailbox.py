"""The SMTP server and the SMS gateway over their real sockets, in a process of their own."""

import asyncio
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path

import aiosmtplib
import httpx
import pytest
import pytest_asyncio
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from deploy.local.ports import accepts, free_port
from deploy.local.program import Child, Program
from deploy.local.serving import serve_apps

SID, TOKEN = "AC0123", "secret"
MESSAGES = f"/2010-04-01/Accounts/{SID}/Messages.json"
SMS = {"To": "+441700900123", "From": "+441700900000", "Body": "Please call us."}


@dataclass(frozen=True)
class Mailbox:
    smtp_port: int
    emails: httpx.AsyncClient
    sms: httpx.AsyncClient


@pytest_asyncio.fixture(scope="module")
async def mailbox(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Mailbox]:
    smtp, emails, sms = free_port(), free_port(), free_port()
    command = [sys.executable, "-m", "deploy.local.mailbox", "--smtp-port", str(smtp), "--smtp-http-port", str(emails)]
    credentials = {"ARREARS_SMS_ACCOUNT_SID": SID, "ARREARS_SMS_AUTH_TOKEN": TOKEN}
    log = tmp_path_factory.mktemp("mailbox") / "mailbox.log"
    child = await Child.start(
        Program("mailbox", [*command, "--sms-gateway-port", str(sms)], Path.cwd(), log, credentials)
    )
    await child.until(lambda: all(accepts(port) for port in (smtp, emails, sms)))
    async with (
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{emails}") as emails_client,
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{sms}", auth=(SID, TOKEN)) as sms_client,
    ):
        yield Mailbox(smtp, emails_client, sms_client)
    assert await child.stop(), child.obituary()


@pytest_asyncio.fixture(autouse=True)
async def empty(mailbox: Mailbox) -> None:
    await mailbox.sms.delete("/messages")
    await mailbox.emails.delete("/messages")


class Receiver:
    """What a contact service is to the gateway: takes status callbacks."""

    def __init__(self) -> None:
        self.port = free_port()
        self.forms: list[dict[str, object]] = []

    async def take(self, request: Request) -> Response:
        self.forms.append(dict(httpx.QueryParams((await request.body()).decode())))
        return Response(status_code=204)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}/status"

    def app(self) -> Starlette:
        return Starlette(routes=[Route("/status", self.take, methods=["POST"])])


async def quiet(mailbox: Mailbox) -> None:
    while (await mailbox.sms.get("/pending")).json()["pending"]:  # noqa: ASYNC110  it is another process
        await asyncio.sleep(0.02)


async def test_an_email_is_kept_as_it_was_sent(mailbox: Mailbox) -> None:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = (
        "desk@lender.example",
        "ann@home.example",
        "Ihr Konto – Übersicht",
    )
    message.set_content("Grüße")
    await aiosmtplib.send(message, hostname="127.0.0.1", port=mailbox.smtp_port)
    shown = (await mailbox.emails.get("/messages")).json()
    assert shown["count"] == 1
    email = shown["messages"][0]
    assert (email["from"], email["to"]) == ("desk@lender.example", ["ann@home.example"])
    assert (email["subject"], email["text"]) == ("Ihr Konto – Übersicht", "Grüße\n")
    assert email["headers"]["To"] == "ann@home.example"


async def test_an_sms_is_answered_as_twilio_does_and_its_fate_called_back(mailbox: Mailbox) -> None:
    receiver = Receiver()
    async with serve_apps({receiver.port: receiver.app()}):
        response = await mailbox.sms.post(MESSAGES, data={**SMS, "StatusCallback": receiver.address})
        assert response.status_code == 201
        answered = response.json()
        assert (answered["status"], answered["to"], answered["error_code"]) == ("queued", SMS["To"], None)
        await quiet(mailbox)
    assert [(form["MessageSid"], form["MessageStatus"]) for form in receiver.forms] == [(answered["sid"], "delivered")]


async def test_numbers_by_the_rule_are_undelivered(mailbox: Mailbox) -> None:
    receiver = Receiver()
    async with serve_apps({receiver.port: receiver.app()}):
        await mailbox.sms.post(MESSAGES, data={**SMS, "To": "+441700900199", "StatusCallback": receiver.address})
        await quiet(mailbox)
    assert [(form["MessageStatus"], form["ErrorCode"]) for form in receiver.forms] == [("undelivered", "30003")]


async def test_the_same_token_is_the_same_message(mailbox: Mailbox) -> None:
    headers = {"I-Twilio-Idempotency-Token": "attempt-1"}
    first = await mailbox.sms.post(MESSAGES, data=SMS, headers=headers)
    again = await mailbox.sms.post(MESSAGES, data=SMS, headers=headers)
    assert (again.status_code, again.json()["sid"]) == (201, first.json()["sid"])
    shown = (await mailbox.sms.get("/messages")).json()
    assert [(sms["idempotency_token"], sms["requests"]) for sms in shown["messages"]] == [("attempt-1", 2)]
    found = (await mailbox.sms.get(MESSAGES, params={"IdempotencyToken": "attempt-1"})).json()["messages"]
    assert [(sms["sid"], sms["status"]) for sms in found] == [(first.json()["sid"], "delivered")]
    assert (await mailbox.sms.get(MESSAGES, params={"IdempotencyToken": "attempt-2"})).json()["messages"] == []


async def test_what_twilio_refuses_is_refused_and_not_kept(mailbox: Mailbox) -> None:
    async def code(**changes: str) -> tuple[int, int]:
        response = await mailbox.sms.post(MESSAGES, data={**SMS, **changes})
        return response.status_code, response.json()["code"]

    assert await code(To="0170090012") == (400, 21211)
    assert await code(To="") == (400, 21604)
    assert await code(From="") == (400, 21603)
    assert await code(Body="") == (400, 21602)
    stranger = await mailbox.sms.post(MESSAGES, data=SMS, auth=(SID, "wrong"))
    assert (stranger.status_code, stranger.json()["code"]) == (401, 20003)
    assert (await mailbox.sms.get("/messages")).json()["count"] == 0


async def test_a_callback_that_is_refused_is_given_up(mailbox: Mailbox) -> None:
    given_up = (await mailbox.sms.get("/pending")).json()["given_up"]
    receiver = Receiver()
    async with serve_apps({receiver.port: receiver.app()}):
        wrong = receiver.address.replace("/status", "/elsewhere")
        await mailbox.sms.post(MESSAGES, data={**SMS, "StatusCallback": wrong})
        await quiet(mailbox)
    assert (await mailbox.sms.get("/pending")).json()["given_up"] == given_up + 1


async def test_a_callback_waits_for_a_receiver_that_is_away(mailbox: Mailbox) -> None:
    receiver = Receiver()
    await mailbox.sms.post(MESSAGES, data={**SMS, "StatusCallback": receiver.address})
    assert (await mailbox.sms.get("/pending")).json()["pending"] == 1
    async with serve_apps({receiver.port: receiver.app()}):
        await quiet(mailbox)
    assert len(receiver.forms) == 1
