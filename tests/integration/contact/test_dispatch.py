"""From a request to a message on a real database: decided twice, sent once, at a lawful hour."""

import asyncio
from datetime import timedelta
from typing import Any

from services.contact import worker
from services.contact.channels.fake import FakeChannel
from services.contact.channels.port import Handed, Message
from shared.contracts import collections
from shared.contracts.fields import Amount
from shared.runtime.clock import SimulatedClock
from tests.integration.contact.lab import DAY, TUESDAY_NOON, Lab, customer, request, status
from tests.integration.contact.sending import TOKEN, send_all


async def test_a_request_becomes_one_sms(lab: Lab) -> None:
    await lab.tell(customer(), status(), request())
    await send_all(lab)
    await send_all(lab)
    assert await lab.states() == {"k-1": "sent"}
    assert lab.sms.requests == {TOKEN: 1}
    message = lab.sms.received[TOKEN]
    assert message.to == "+4915100000001"
    assert "Ada Example" in message.body
    assert "120.50 EUR" in message.body
    [(name, data)] = await lab.emitted()
    assert name == "ContactAttempted"
    assert data | {"at": None} == {
        "customer_id": "c-1", "contact_id": "k-1", "case_id": "case-1", "channel": "sms", "attempt_id": TOKEN,
        "at": None, "outcome": "sent", "template": "reminder",
    }  # fmt: skip


async def test_an_email_has_a_subject(lab: Lab) -> None:
    await lab.tell(customer(), status(), request(channel="email"))
    await send_all(lab)
    message = lab.email.received[TOKEN]
    assert (message.to, message.subject) == ("ada@example.org", "A reminder about your account")


async def test_the_message_says_what_is_owed_when_it_is_sent(lab: Lab) -> None:
    night = TUESDAY_NOON.replace(hour=22)
    lab.move_clock(night)
    await lab.tell(customer(), status(), request(requested_at=night))
    await send_all(lab)
    assert await lab.states() == {"k-1": "planned"}
    await lab.tell(status(version=2, arrears="20.00"))
    lab.move_clock(TUESDAY_NOON + DAY)
    await send_all(lab)
    assert "20.00 EUR" in lab.sms.received[TOKEN].body


async def test_a_repeated_request_is_nothing(lab: Lab) -> None:
    await lab.tell(customer(), status(), request(), request())
    await send_all(lab)
    await lab.tell(request())
    await send_all(lab)
    assert lab.sms.requests == {TOKEN: 1}
    assert await lab.names() == ["ContactAttempted"]


A_2 = (collections.AccountOwed(account_id="a-2", arrears=Amount(12_050, "EUR"), days_past_due=5, bucket="1-29"),)


async def test_outside_hours_it_waits_for_the_morning(lab: Lab) -> None:
    night = TUESDAY_NOON.replace(hour=22)
    lab.move_clock(night)
    await lab.tell(customer(), status(), request(requested_at=night))
    await send_all(lab)
    assert not lab.sms.received
    [planned] = await lab.rows("SELECT due_at FROM contact")
    assert planned["due_at"] == (TUESDAY_NOON + DAY).replace(hour=7)
    lab.move_clock(planned["due_at"] - timedelta(microseconds=1))
    await send_all(lab)
    assert not lab.sms.received
    lab.move_clock(planned["due_at"])
    await send_all(lab)
    assert await lab.states() == {"k-1": "sent"}


async def test_nobody_gets_two_messages_a_day(lab: Lab) -> None:
    await lab.tell(customer(), status(), request("k-1"), request("k-2", channel="email"))
    await send_all(lab)
    assert sorted((await lab.states()).values()) == ["planned", "sent"]
    lab.move_clock(TUESDAY_NOON + DAY)
    await send_all(lab)
    assert set((await lab.states()).values()) == {"sent"}


async def test_a_round_that_leaves_nothing_due_says_so(lab: Lab) -> None:
    await lab.tell(customer(), status(), request("k-1"), request("k-2", channel="email"))
    async with worker.registered(lab.engine) as registered:
        dispatcher = lab.dispatcher()
        rounds = [await dispatcher.round(registered) for _ in range(3)]
    assert rounds == [True, False, False]


class SlowChannel(FakeChannel):
    """Hours pass while a message is handed over. `stop` is set by the second."""

    def __init__(self, clock: SimulatedClock, stop: asyncio.Event) -> None:
        super().__init__()
        self.clock, self.stop = clock, stop

    async def send(self, message: Message) -> Handed:
        self.clock.observe(TUESDAY_NOON + timedelta(hours=3))
        handed = await super().send(message)
        if len(self.received) == 2:
            self.stop.set()
        return handed


async def test_what_falls_due_during_a_round_is_sent_after_it(lab: Lab) -> None:
    """Nobody wakes the dispatcher, and its poll is far away: it has to see by itself that time went on."""
    stop = asyncio.Event()
    slow = SlowChannel(lab.clock, stop)
    far = customer("c-2", time_zone="America/Los_Angeles")
    await lab.tell(customer(), status(), request("k-1"), far, status("a-2", "c-2"), request("k-2", "c-2", accounts=A_2))
    async with worker.registered(lab.engine) as registered, asyncio.timeout(30):
        await lab.dispatcher({"sms": slow}, poll_s=60).run(registered, stop)
    assert await lab.states() == {"k-1": "sent", "k-2": "sent"}


async def test_news_that_come_after_the_request_are_waited_for(lab: Lab) -> None:
    owed = Amount(12_050, "EUR")
    account = collections.AccountOwed(account_id="a-1", arrears=owed, days_past_due=5, bucket="1-29", version=2)
    await lab.tell(request(accounts=(account,)))
    await send_all(lab)
    await lab.tell(status(version=1, arrears="7.00"))
    await send_all(lab)
    assert await lab.states() == {"k-1": "planned"}
    await lab.tell(customer())
    await send_all(lab)
    assert not lab.sms.received
    await lab.tell(status(version=2))
    await send_all(lab)
    assert "120.50 EUR" in lab.sms.received[TOKEN].body


async def test_two_dispatchers_send_each_message_once(lab: Lab) -> None:
    told: list[Any] = []
    for n in range(40):
        owed = Amount(500, "EUR")
        account = collections.AccountOwed(account_id=f"a-{n}", arrears=owed, days_past_due=5, bucket="1-29")
        told += [customer(f"c-{n}"), status(f"a-{n}", f"c-{n}"), request(f"k-{n}", f"c-{n}", accounts=(account,))]
    await lab.tell(*told)

    async def run() -> None:
        async with worker.registered(lab.engine) as registered:
            dispatcher = lab.dispatcher()
            while await dispatcher.round(registered):
                pass

    await asyncio.gather(run(), run(), run())
    assert set((await lab.states()).values()) == {"sent"}
    assert set(lab.sms.requests.values()) == {1}
    assert len(lab.sms.requests) == 40
    assert await lab.names() == ["ContactAttempted"] * 40
