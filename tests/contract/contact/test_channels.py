"""One suite for every channel, fake and real: whatever the provider does, the answer says no more than is certain."""

import asyncio
from collections.abc import AsyncIterator
from email.message import EmailMessage
from email.policy import SMTP

import pytest
import pytest_asyncio

from deploy.local.ports import free_port
from services.contact.channels.port import Channel, Message, Went
from tests.contract.contact.stands import MoodyInbox, SmtpStand, Stand, TwilioStand, smtp, stand, twilio

MOODS = {"refusing": Went.REFUSED, "losing_answer": Went.UNKNOWN}


@pytest_asyncio.fixture(params=["fake", "twilio", "smtp"])
async def provided(request: pytest.FixtureRequest) -> AsyncIterator[Stand]:
    async with stand(request.param) as one:
        yield one


def message(to: str, name: str = "t-1", body: str = "Please pay – danke, ¡gracias!") -> Message:
    return Message(name, to, body, "About your account: Grüße")


async def test_a_message_arrives_once_as_it_was_written(provided: Stand) -> None:
    handed = await provided.channel.send(message(provided.to))
    assert handed.went is Went.ACCEPTED
    assert handed.provider_id
    assert provided.received == [(provided.to, "Please pay – danke, ¡gracias!")]


async def test_many_at_once_all_arrive(provided: Stand) -> None:
    handed = await asyncio.gather(
        *(provided.channel.send(message(provided.to, f"t-{n}", f"text {n}")) for n in range(30))
    )
    assert {one.went for one in handed} == {Went.ACCEPTED}
    assert sorted(provided.received) == sorted((provided.to, f"text {n}") for n in range(30))


@pytest.mark.parametrize("mood", MOODS)
async def test_bad_ends_are_told_apart_and_do_not_last(provided: Stand, mood: str) -> None:
    await provided.be(mood)
    handed = await provided.channel.send(message(provided.to))
    assert handed.went is MOODS[mood]
    assert handed.reason
    assert (await provided.channel.send(message(provided.to, "t-2"))).went is Went.ACCEPTED
    assert len(provided.received) == (1 if mood == "refusing" else 2)


@pytest.mark.parametrize("mood", ["busy", "away"])
async def test_what_was_not_taken_may_be_offered_again(provided: Stand, mood: str) -> None:
    await provided.be(mood)
    assert (await provided.channel.send(message(provided.to))).went in (Went.NOT_SENT, Went.LATER)
    assert provided.received == []
    assert (await provided.channel.send(message(provided.to))).went is Went.ACCEPTED
    assert len(provided.received) == 1


async def test_a_lost_answer_can_be_asked_for_where_a_record_is_kept(provided: Stand) -> None:
    await provided.be("losing_answer")
    await provided.channel.send(message(provided.to))
    known, never = await provided.channel.find("t-1"), await provided.channel.find("never-sent")
    if provided.channel.keeps_record:
        assert known.went in (Went.ACCEPTED, Went.DELIVERED)
        assert known.provider_id
        assert never.went is Went.NOT_SENT
    else:
        assert (known.went, never.went) == (Went.UNKNOWN, Went.UNKNOWN)


async def test_a_token_is_taken_once_where_a_record_is_kept(provided: Stand) -> None:
    if not provided.channel.keeps_record:
        return
    first = await provided.channel.send(message(provided.to))
    again = await provided.channel.send(message(provided.to))
    assert (again.went, again.provider_id) == (Went.ACCEPTED, first.provider_id)
    assert len(provided.received) == 1


@pytest.mark.parametrize("kind", ["twilio", "smtp"])
async def test_a_provider_that_is_not_there_has_got_nothing(kind: str) -> None:
    port = free_port()
    channel: Channel = twilio(f"http://127.0.0.1:{port}") if kind == "twilio" else smtp(port)
    handed = await channel.send(message("+4915100000001" if kind == "twilio" else "ann@home.example"))
    assert handed.went is Went.NOT_SENT
    await channel.close()


@pytest.mark.parametrize(
    ("status", "went"),
    [
        ("500", Went.UNKNOWN), ("503", Went.UNKNOWN), ("408", Went.UNKNOWN), ("200", Went.UNKNOWN),
        ("401", Went.NOT_SENT), ("403", Went.NOT_SENT), ("404", Went.NOT_SENT), ("429", Went.NOT_SENT),
        ("422", Went.REFUSED),
    ],
)  # fmt: skip
async def test_what_an_http_status_proves(status: str, went: Went) -> None:
    async with stand("twilio") as one:
        assert isinstance(one, TwilioStand)
        one.gateway.mood = status
        assert (await one.channel.send(message(one.to))).went is went


async def test_a_provider_that_cannot_say_leaves_it_unknown() -> None:
    async with stand("twilio") as one:
        assert isinstance(one, TwilioStand)
        one.gateway.account = "another"
        assert (await one.channel.find("t-1")).went is Went.UNKNOWN
    channel = twilio(f"http://127.0.0.1:{free_port()}")
    assert (await channel.find("t-1")).went is Went.UNKNOWN
    await channel.close()


async def test_an_email_carries_its_token_and_uses_one_connection() -> None:
    async with stand("smtp") as one:
        assert isinstance(one, SmtpStand)
        for n in range(5):
            await one.channel.send(message(one.to, f"t-{n}"))
        headers = one.inbox.emails[0].shown()["headers"]
        assert headers["Message-ID"] == "<t-0@lender.example>"
        assert headers["Subject"] == "About your account: Grüße"
        assert isinstance(one.inbox, MoodyInbox)
        assert one.inbox.sessions == 1


ADDRESSES = ["ann@home.example", "a.n-n+x_1@home.example", f"{'a' * 60}@{'home.' * 12}example", '"ann b"@home.example',
             "ann@[192.0.2.1]", "ann"]  # fmt: skip


@pytest.mark.parametrize("to", ADDRESSES)
@pytest.mark.parametrize("subject", ["A reminder", "Grüße", "A reminder " * 12])
def test_an_email_is_what_the_standard_library_makes_of_it(to: str, subject: str) -> None:
    expected = EmailMessage(policy=SMTP)
    headers = {"From": "desk@lender.example", "To": to, "Subject": subject, "Message-ID": "<t-1@lender.example>",
               "Auto-Submitted": "auto-generated"}  # fmt: skip
    for name, value in headers.items():
        expected[name] = value
    expected.set_content("Text, and more of it – " * 9)
    channel = smtp(free_port())
    assert channel.content(Message("t-1", to, "Text, and more of it – " * 9, subject)) == bytes(expected)


async def test_no_email_wears_another_s_headers() -> None:
    said = [(f"{name}@home.example", subject) for name in ("ann", "bob") for subject in ("A reminder", "Grüße", "Last")]
    async with stand("smtp") as one:
        assert isinstance(one, SmtpStand)
        for n, (to, subject) in enumerate(said * 2):
            await one.channel.send(Message(f"t-{n}", to, "Text", subject))
        shown = [email.shown() for email in one.inbox.emails]
    assert [(email["to"][0], email["headers"]["To"], email["subject"]) for email in shown] == [
        (to, to, subject) for to, subject in said * 2
    ]
    assert [email["headers"]["Message-ID"] for email in shown] == [f"<t-{n}@lender.example>" for n in range(12)]


@pytest.mark.parametrize("to", ["ann@home.example\r\nBcc: eve@home.example", "änn@home.example", "\udcff@home.example"])
async def test_an_address_that_cannot_be_one_is_refused_before_anything_is_said(to: str) -> None:
    async with stand("smtp") as one:
        assert (await one.channel.send(message(to))).went is Went.REFUSED
        assert one.received == []


async def test_a_connection_closed_while_idle_is_opened_again() -> None:
    async with stand("smtp") as one:
        assert isinstance(one, SmtpStand)
        await one.channel.send(message(one.to))
        one.inbox.mood = "losing_answer"
        await one.channel.send(message(one.to, "t-2"))
        assert (await one.channel.send(message(one.to, "t-3"))).went is Went.ACCEPTED
