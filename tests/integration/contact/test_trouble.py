"""Messages that cannot be written, that providers refuse or put off, and channels in trouble."""

import asyncio
from datetime import timedelta

from services.contact import worker
from services.contact.channels.port import Went
from shared.contracts import collections
from shared.contracts.fields import Amount
from tests.integration.contact.lab import TUESDAY_NOON, Lab, customer, request, status
from tests.integration.contact.sending import TOKEN, send_all


async def test_a_broken_template_fails_before_anything_is_sent(lab: Lab) -> None:
    await lab.tell(customer(), status(), request(template="no-such-template"))
    await send_all(lab)
    assert await lab.states() == {"k-1": "failed"}
    [(name, data)] = await lab.emitted()
    assert (name, data["reason"]) == ("ContactFailed", "template_missing")
    assert "attempt_id" not in data


async def test_a_refusal_by_the_provider_is_a_failure_with_its_reason(lab: Lab) -> None:
    lab.sms.goes = [Went.REFUSED]
    await lab.tell(customer(), status(), request())
    await send_all(lab)
    assert await lab.states() == {"k-1": "failed"}
    [(name, data)] = await lab.emitted()
    assert (name, data["reason"]) == ("ContactFailed", "fake_refused")


async def test_what_never_left_is_tried_again_under_the_same_token(lab: Lab) -> None:
    lab.sms.goes = [Went.NOT_SENT, Went.NOT_SENT]
    await lab.tell(customer(), status(), request())
    async with worker.registered(lab.engine) as registered:
        dispatcher = lab.dispatcher()
        while not lab.sms.received:
            await dispatcher.round(registered)
            await asyncio.sleep(0.02)
    assert lab.sms.requests == {TOKEN: 1}
    [attempt] = await lab.rows("SELECT state, sends FROM attempt")
    assert attempt == {"state": "sent", "sends": 3}
    assert await lab.names() == ["ContactAttempted"]


async def test_a_channel_in_trouble_does_not_stop_the_other(lab: Lab) -> None:
    lab.sms.goes = [Went.NOT_SENT] * 50
    await lab.tell(customer(), status(), request(), customer("c-2"), status("a-2", "c-2"))
    owed = Amount(12_050, "EUR")
    account = collections.AccountOwed(account_id="a-2", arrears=owed, days_past_due=5, bucket="1-29")
    await lab.tell(request("k-2", "c-2", channel="email", accounts=(account,)))
    async with worker.registered(lab.engine) as registered:
        dispatcher = lab.dispatcher()
        for _ in range(4):
            await dispatcher.round(registered)
    assert await lab.states() == {"k-1": "planned", "k-2": "sent"}


async def test_a_message_the_provider_puts_off_waits_alone(lab: Lab) -> None:
    lab.email.goes = [Went.LATER]
    await lab.tell(customer(), status(), request(channel="email"))
    await send_all(lab)
    assert await lab.states() == {"k-1": "planned"}
    lab.move_clock(TUESDAY_NOON + timedelta(minutes=15))
    await send_all(lab)
    assert await lab.states() == {"k-1": "sent"}
