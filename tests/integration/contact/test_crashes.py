"""The process ends at each step between deciding and writing down: no message twice, none lost, none resent blindly."""

import asyncio
import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.contact import reports, worker
from services.contact.channels.fake import FakeChannel
from services.contact.channels.port import Handed, Message, Went
from services.contact.dispatch import Dispatcher
from services.contact.domain.attempt import State
from services.contact.identity import message_attempt_id
from services.contact.reports import Report
from services.contact.store import contacts
from tests.integration.contact.lab import Lab, customer, request, status
from tests.waiting import until

TOKEN = message_attempt_id("k-1")


class Killed(BaseException):
    """The process ends here: nothing after this point runs."""


@dataclass
class Mortal:
    """A channel in a process that may be killed before the provider gets the message, or after."""

    provider: FakeChannel
    dies: list[str] = field(default_factory=list)

    @property
    def keeps_record(self) -> bool:
        return self.provider.keeps_record

    async def send(self, message: Message) -> Handed:
        dies = self.dies.pop(0) if self.dies else ""
        if dies == "before_sending":
            raise Killed
        handed = await self.provider.send(message)
        if dies == "after_sending":
            raise Killed
        return handed

    async def find(self, token: str) -> Handed:
        return await self.provider.find(token)

    async def close(self) -> None:
        await self.provider.close()


async def one_life(lab: Lab, dies: str, *, rounds: int = 10) -> None:
    """A process from its start to its (perhaps early) end. The advisory lock goes with its connection."""
    channels = {name: Mortal(channel, [dies]) for name, channel in (("sms", lab.sms), ("email", lab.email))}
    try:
        async with worker.registered(lab.engine) as registered:
            dispatcher, resolver = lab.dispatcher(channels), lab.resolver(channels)
            _die_at(dispatcher, dies)
            await registered.may_resolve()
            for _ in range(rounds):
                await resolver.bury(registered)
                await resolver.ask()
                while await dispatcher.round(registered):
                    pass
    except Killed:
        return


def _die_at(dispatcher: Dispatcher, dies: str) -> None:
    """Cut the process off between two of its steps."""

    def killing(step: Callable[..., Any], *, after: bool) -> Callable[..., Any]:
        async def killed(*args: Any, **kwargs: Any) -> Any:
            if after:
                await step(*args, **kwargs)
            raise Killed

        return killed

    if dies == "before_handing_over":
        dispatcher.hand_over = killing(dispatcher.hand_over, after=False)  # type: ignore[method-assign]  # a crash
    if dies == "before_recording":
        dispatcher.record = killing(dispatcher.record, after=False)  # type: ignore[method-assign]
    if dies == "after_recording":
        dispatcher.record = killing(dispatcher.record, after=True)  # type: ignore[method-assign]


POINTS = (
    "", "before_handing_over", "before_sending", "after_sending", "before_recording", "after_recording",
)  # fmt: skip


@pytest.mark.parametrize("deaths", list(itertools.product(POINTS[1:], repeat=2)))
async def test_an_sms_goes_out_once_wherever_the_process_dies(lab: Lab, deaths: tuple[str, ...]) -> None:
    await lab.tell(customer(), status(), request())
    for dies in (*deaths, ""):
        await one_life(lab, dies)
    assert await lab.states() == {"k-1": "sent"}
    assert lab.sms.requests == {TOKEN: 1}
    assert await lab.names() == ["ContactAttempted"]


@pytest.mark.parametrize("dies", POINTS[1:])
async def test_an_email_is_never_sent_again_by_itself(lab: Lab, dies: str) -> None:
    await lab.tell(customer(), status(), request(channel="email"))
    await one_life(lab, dies)
    reached = sum(lab.email.requests.values())
    await one_life(lab, "")
    assert sum(lab.email.requests.values()) == reached
    assert await lab.states() == {"k-1": "sent" if dies == "after_recording" else "unknown"}


@pytest.mark.parametrize("arrived", [True, False])
async def test_an_answer_that_was_lost_is_asked_for(lab: Lab, arrived: bool) -> None:
    lab.sms.goes = [Went.UNKNOWN]
    await lab.tell(customer(), status(), request())
    async with worker.registered(lab.engine) as registered:
        dispatcher, resolver = lab.dispatcher(), lab.resolver()
        await dispatcher.round(registered)
        assert await lab.states() == {"k-1": "unknown"}
        assert not await dispatcher.round(registered)
        if not arrived:
            lab.sms.received.clear()
            lab.sms.requests.clear()
        await resolver.ask()
        assert await lab.states() == {"k-1": "unknown"}, "what may still be on its way is given an interval"
        await resolver.ask()
        while await dispatcher.round(registered):
            pass
    assert await lab.states() == {"k-1": "sent"}
    assert lab.sms.requests == {TOKEN: 1}
    assert await lab.names() == ["ContactAttempted"]


async def test_a_living_process_keeps_its_pending_attempts(lab: Lab) -> None:
    await lab.tell(customer(), status(), request())
    async with worker.registered(lab.engine) as first, worker.registered(lab.engine) as second:
        dispatcher = lab.dispatcher({name: Mortal(lab.sms, ["before_sending"]) for name in ("sms", "email")})
        with pytest.raises(Killed):
            await dispatcher.round(first)
        assert await lab.resolver().bury(second) == 0
        assert await lab.states() == {"k-1": "pending"}
    async with worker.registered(lab.engine) as third:
        assert await lab.resolver().bury(third) == 1
    assert await lab.states() == {"k-1": "unknown"}


async def test_looking_for_lost_attempts_waits_for_no_command(lab: Lab) -> None:
    async with worker.registered(lab.engine) as registered, lab.commands.transaction(), asyncio.timeout(5):
        assert await lab.resolver().bury(registered) == 0


async def test_what_is_no_longer_lost_once_its_turn_comes_is_left_alone(lab: Lab) -> None:
    await lab.tell(customer(), status(), request())
    await one_life(lab, "before_sending")
    async with worker.registered(lab.engine) as registered:
        async with lab.commands.transaction() as tx:
            burying = asyncio.create_task(lab.resolver().bury(registered))
            await until(lambda: _waits_for_a_lock(lab), "the resolver to have looked and to wait")
            await reports.apply(tx, [Report(TOKEN, State.SENT)])
        assert await burying == 0
    assert await lab.states() == {"k-1": "sent"}


async def _waits_for_a_lock(lab: Lab) -> bool:
    waiting = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    return bool(await lab.rows(waiting))


async def test_only_one_process_resolves(lab: Lab) -> None:
    async with worker.registered(lab.engine) as first, worker.registered(lab.engine) as second:
        assert await first.may_resolve()
        assert await first.may_resolve()
        assert not await second.may_resolve()
    async with worker.registered(lab.engine) as third:
        assert await third.may_resolve()


async def test_what_was_taken_over_is_not_unsaid_by_the_first_process(lab: Lab) -> None:
    lab.sms.goes = [Went.NOT_SENT]
    await lab.tell(customer(), status(), request())
    async with worker.registered(lab.engine) as first:
        slow = lab.dispatcher()
        async with lab.engine.connect() as connection:
            due = await contacts.due(connection, ["sms"], lab.clock.now(), 10)
        async with lab.commands.transaction() as tx:
            outgoing, _ = await lab.claims.claim(tx, first.number, due, 10)
        handed = await slow.hand_over(outgoing)
    await one_life(lab, "")
    await slow.record(outgoing, handed)
    assert await lab.states() == {"k-1": "sent"}
    assert lab.sms.requests == {TOKEN: 1}


@settings(
    max_examples=25, deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)  # fmt: skip
@given(
    deaths=st.lists(st.sampled_from(POINTS), min_size=1, max_size=5),
    goes=st.lists(st.sampled_from([Went.ACCEPTED, Went.NOT_SENT, Went.UNKNOWN, Went.LATER]), max_size=5),
)
async def test_under_any_story_at_most_one_message_a_person(lab: Lab, deaths: list[str], goes: list[Went]) -> None:
    await lab.empty()
    lab.sms.received.clear()
    lab.sms.requests.clear()
    lab.sms.goes = list(goes)
    await lab.tell(customer(), status(), request("k-1"), request("k-2"))
    for dies in deaths:
        await one_life(lab, dies, rounds=3)
    assert all(count == 1 for count in lab.sms.requests.values())
    assert len(lab.sms.received) <= 1, "two requests to one person on one day: the second waits"
