"""From a request to a message on a real database: decided twice, sent once, refused with a reason."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from services.contact import worker
from services.contact.channels.fake import FakeChannel
from services.contact.channels.port import Handed, Message, Went
from services.contact.identity import message_attempt_id
from shared.contracts import banking, collections
from shared.contracts.fields import Amount
from shared.runtime.clock import SimulatedClock
from tests.integration.contact.lab import DAY, TUESDAY_NOON, Lab, customer, request, status

TOKEN = message_attempt_id("k-1")


async def send_all(lab: Lab) -> None:
    """Rounds until nothing is due."""
    async with worker.registered(lab.engine) as registered:
        dispatcher = lab.dispatcher()
        while await dispatcher.round(registered):
            pass


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


NOON = TUESDAY_NOON
A_2 = (collections.AccountOwed(account_id="a-2", arrears=Amount(12_050, "EUR"), days_past_due=5, bucket="1-29"),)
STOPS: list[Any] = [
    (status(version=2, arrears="0.00"), "nothing_owed"),
    (collections.HoldPlaced(case_id="case-1", customer_id="c-1", hold_id="h-1", kind="dispute"), "hold"),
    (banking.ConsentWithdrawn(customer_id="c-1", channel="sms", effective_at=TUESDAY_NOON), "opted_out_of_channel"),
    (
        banking.ConsentWithdrawn(
            customer_id="c-1", channel="sms", value="+49 151 0000 0001", effective_at=TUESDAY_NOON
        ),
        "opted_out_of_endpoint",
    ),
    (customer(revision=2, contact_points=()), "no_contact_point"),
    (customer(revision=2, time_zone=None), "no_zone_known"),
]


@pytest.mark.parametrize(("news", "reason"), STOPS)
async def test_what_is_learned_after_planning_still_stops(lab: Lab, news: Any, reason: str) -> None:
    await lab.tell(customer(), status(), request())
    assert await lab.states() == {"k-1": "planned"}
    await lab.tell(news)
    await send_all(lab)
    assert await lab.states() == {"k-1": "suppressed"}
    assert not lab.sms.received
    shown = await lab.show("k-1")
    assert [decision["conclusion"] for decision in shown["decisions"]] == ["allowed", "refused"]
    assert [decision["moment"] for decision in shown["decisions"]] == ["enqueue", "dispatch"]
    assert shown["decisions"][1]["reason"] == reason
    assert shown["attempts"] == []
    suppressed = [data for name, data in await lab.emitted() if name == "ContactSuppressed"]
    assert [data["detail"] for data in suppressed] == [reason]


@pytest.mark.parametrize(("news", "reason"), STOPS)
async def test_what_is_known_before_is_refused_when_planned(lab: Lab, news: Any, reason: str) -> None:
    await lab.tell(customer(), status())
    await lab.tell(news)
    await lab.tell(request())
    assert await lab.states() == {"k-1": "suppressed"}
    assert (await lab.show("k-1"))["decisions"][0]["reason"] == reason


async def test_old_news_changes_nothing(lab: Lab) -> None:
    await lab.tell(customer(revision=3), status(version=5))
    await lab.tell(customer(revision=2, contact_points=()), status(version=4, arrears="0.00"))
    released = collections.HoldReleased(case_id="case-1", customer_id="c-1", hold_id="h-1", kind="legal")
    placed = collections.HoldPlaced(case_id="case-1", customer_id="c-1", hold_id="h-1", kind="legal")
    await lab.tell(placed, released)
    await lab.tell(placed)
    given = banking.ConsentGiven(customer_id="c-1", channel="sms", effective_at=TUESDAY_NOON)
    await lab.tell(given)
    await lab.tell(banking.ConsentWithdrawn(customer_id="c-1", channel="sms", effective_at=TUESDAY_NOON - DAY))
    await lab.tell(request())
    await send_all(lab)
    assert await lab.states() == {"k-1": "sent"}
    changed = [data for name, data in await lab.emitted() if name == "ConsentChanged"]
    assert [data["consent"] for data in changed] == ["given"]


async def test_accounts_never_in_arrears_leave_no_trace(lab: Lab) -> None:
    await lab.tell(status("a-9", arrears="0.00"), status("a-8", arrears="1.00"))
    await lab.tell(status("a-8", version=2, arrears="0.00"))
    found = await lab.rows("SELECT account_id, version, arrears_minor FROM balance")
    assert found == [{"account_id": "a-8", "version": 2, "arrears_minor": 0}]


async def test_a_withdrawn_request_is_not_sent(lab: Lab) -> None:
    withdrawn = collections.ContactWithdrawn(case_id="case-1", customer_id="c-1", contact_id="k-1", reason="cured")
    await lab.tell(customer(), status(), request(), withdrawn)
    await send_all(lab)
    assert await lab.states() == {"k-1": "withdrawn"}
    assert not lab.sms.received
    [(name, data)] = await lab.emitted()
    assert (name, data["rule"], data["detail"]) == ("ContactSuppressed", "withdrawn", "cured")


async def test_a_withdrawal_after_sending_is_too_late(lab: Lab) -> None:
    await lab.tell(customer(), status(), request())
    await send_all(lab)
    await lab.tell(collections.ContactWithdrawn(case_id="case-1", customer_id="c-1", contact_id="k-1", reason="cured"))
    assert await lab.states() == {"k-1": "sent"}
    assert await lab.names() == ["ContactAttempted"]


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


async def test_an_expired_request_is_not_sent(lab: Lab) -> None:
    await lab.tell(customer(), status(), request("k-1"), request("k-2", "c-2", channel="call"))
    lab.move_clock(TUESDAY_NOON + 5 * DAY)
    await send_all(lab)
    assert await lab.states() == {"k-1": "expired", "k-2": "expired"}
    assert await lab.names() == ["ContactSuppressed"] * 2


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


async def test_the_archive_cannot_be_changed(lab: Lab) -> None:
    await lab.tell(customer(), status(), request())
    for statement in ("UPDATE gate_decision SET reason = 'x'", "DELETE FROM gate_decision", "TRUNCATE gate_decision"):
        with pytest.raises(Exception, match="append-only"):
            async with lab.engine.begin() as connection:
                await connection.exec_driver_sql(statement)


async def test_the_archive_holds_every_rule_s_inputs_and_nothing_personal(lab: Lab) -> None:
    await lab.tell(customer(), status(), request())
    await send_all(lab)
    [decision] = (await lab.show("k-1"))["decisions"][1:]
    assert decision["pack"] == "default@1"
    assert len(decision["pack_hash"]) == 64
    assert {verdict["rule"] for verdict in decision["verdicts"]} >= {
        "default.hours",
        "default.balance",
        "default.opt_out",
    }
    assert all(verdict["inputs"] for verdict in decision["verdicts"])
    assert "+49" not in str(decision)
    assert "Ada" not in str(decision)
