"""The whole service as its users run it: Kafka in, gateway and SMTP server out, receipts back, killed in between."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest_asyncio
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from deploy.local.ports import free_port
from deploy.local.serving import serve_apps
from deploy.local.sms_gateway import SmsGateway
from deploy.local.smtp import Inbox, listen
from deploy.topics import create_topics
from services.contact import packs
from services.contact.identity import message_attempt_id
from shared.contracts import banking, collections, outcomes
from shared.contracts.envelope import decode, encode
from shared.contracts.fields import Amount, Contract
from shared.contracts.topics import TOPIC_OF
from shared.messaging.transaction import partition_of
from tests.conftest import DatabaseFactory
from tests.integration.contact.lab import status
from tests.programs import program
from tests.schemas import migrated

PARTITIONS = 2
PATIENCE_S = 60
OUTCOMES = [TopicPartition("contact.outcomes", n) for n in range(PARTITIONS)]


@dataclass
class World:
    """What surrounds the service."""

    bootstrap: str
    url: str
    rules: Path
    gateway: SmsGateway
    inbox: Inbox
    ports: dict[str, int]
    producer: AIOKafkaProducer
    consumer: AIOKafkaConsumer
    heard: list[Any] = field(default_factory=list)
    sent: int = 0

    @property
    def http(self) -> str:
        return f"http://127.0.0.1:{self.ports['http']}"

    def tokens(self, customers: set[str]) -> list[str]:
        """Of the messages to these customers (a broker remembers other tests' requests too), the token of each."""
        own = {message_attempt_id(f"k-{one}") for one in customers}
        return sorted(sms.token for sms in self.gateway.messages if sms.token in own)

    def readers(self, customers: set[str]) -> list[str]:
        """Who got an email, of these customers; once for each email."""
        return sorted(
            email.recipients[0] for email in self.inbox.emails if email.recipients[0].partition("@")[0] in customers
        )

    async def publish(self, *events: Contract) -> None:
        for event in events:
            self.sent += 1
            customer_id: str = event.customer_id  # type: ignore[attr-defined]  # all of these have one
            value = encode(
                event, event_id=f"{customer_id}-{self.sent}", source="test", subject=None, time=datetime.now(UTC)
            )
            partition = partition_of(customer_id.encode(), PARTITIONS)
            await self.producer.send_and_wait(TOPIC_OF[type(event)].name, value, partition=partition)

    async def hear(self, customers: set[str], wanted: Callable[[list[Any]], bool]) -> list[Any]:
        """Events about these customers, until there are those wanted; a relay's repeats are dropped."""
        seen = {event.id for event in self.heard}
        async with asyncio.timeout(PATIENCE_S):
            while not wanted([event.data for event in self.heard]):
                for records in (await self.consumer.getmany(timeout_ms=100)).values():
                    for event in (decode(r.topic, r.value, r.headers) for r in records):
                        if event.data.customer_id in customers and event.id not in seen:
                            seen.add(event.id)
                            self.heard.append(event)
        return [event.data for event in self.heard]

    @asynccontextmanager
    async def running(self) -> AsyncIterator[asyncio.subprocess.Process]:
        """`python -m services.contact` until the block ends, which must be an orderly end."""
        settings = {
            "ARREARS_ENVIRONMENT": "production", "ARREARS_DATABASE_URL": self.url,
            "ARREARS_KAFKA_BOOTSTRAP": self.bootstrap, "ARREARS_HTTP_PORT": str(self.ports["http"]),
            "ARREARS_SESSION_TIMEOUT_S": "6", "ARREARS_SMS_URL": f"http://127.0.0.1:{self.ports['sms']}",
            "ARREARS_SMS_ACCOUNT_SID": "AC1", "ARREARS_SMS_AUTH_TOKEN": "secret", "ARREARS_SMS_FROM": "+440",
            "ARREARS_SMS_CALLBACK_URL": f"{self.http}/providers/sms/status", "ARREARS_SMTP_HOST": "127.0.0.1",
            "ARREARS_SMTP_PORT": str(self.ports["smtp"]), "ARREARS_EMAIL_FROM": "desk@lender.example",
            "ARREARS_RULES_FILE": str(self.rules), "ARREARS_RESOLVE_INTERVAL_S": "0.3",
        }  # fmt: skip
        async with program("contact", settings) as started:
            yield started


@pytest_asyncio.fixture
async def world(kafka: str, database: DatabaseFactory, tmp_path: Path) -> AsyncIterator[World]:
    url = await migrated("contact", database)
    await create_topics(kafka, PARTITIONS)
    rules = tmp_path / "always.yaml"
    shipped = packs.SHIPPED.read_text()
    hours = 'days: {mon-fri: "08:00-20:00", sat: "09:00-18:00", sun: null, holiday: null}'
    assert hours in shipped
    rules.write_text(shipped.replace(hours, 'days: {all: "00:00-24:00", holiday: "00:00-24:00"}'))
    gateway, inbox = SmsGateway("AC1", "secret"), Inbox()
    ports = {name: free_port() for name in ("http", "sms", "smtp")}
    producer, consumer = AIOKafkaProducer(bootstrap_servers=kafka), AIOKafkaConsumer(bootstrap_servers=kafka)
    async with producer, consumer, serve_apps({ports["sms"]: gateway.app()}), await listen(inbox, ports["smtp"]):
        consumer.assign(OUTCOMES)
        await consumer.seek_to_end(*OUTCOMES)
        yield World(kafka, url, rules, gateway, inbox, ports, producer, consumer)


def requests(customer_id: str, channel: str) -> list[Contract]:
    """A customer who owes, and a request to reach them."""
    number = f"+4915{abs(hash(customer_id)) % 10**8:08d}1"
    points = (
        banking.ContactPoint(kind="mobile", value=number),
        banking.ContactPoint(kind="email", value=f"{customer_id}@home.example"),
    )
    owed = Amount(12_050, "EUR")
    account = collections.AccountOwed(
        account_id=f"a-{customer_id}", arrears=owed, days_past_due=5, bucket="1-29", version=1
    )
    now = datetime.now(UTC)
    asked = collections.ContactRequested(
        case_id=f"case-{customer_id}", customer_id=customer_id, contact_id=f"k-{customer_id}", treatment_id="t",
        channel=channel, template="reminder", accounts=(account,), arrears=(owed,), days_past_due=5,  # type: ignore[arg-type]  # one of Channel
        requested_at=now, expires_at=now + timedelta(days=2),
    )  # fmt: skip
    known = banking.CustomerUpdated(
        customer_id=customer_id, revision=1, name="Ada", language="en", time_zone="Europe/Berlin", contact_points=points
    )
    return [asked, status(f"a-{customer_id}", customer_id), known]


def kinds(heard: list[Any], kind: type[Contract]) -> int:
    return sum(type(event) is kind for event in heard)


async def test_messages_go_out_and_their_receipts_come_back(world: World) -> None:
    customers = {f"sms-{n}" for n in range(8)} | {f"email-{n}" for n in range(4)}
    async with world.running() as contact_process:
        for one in sorted(customers):
            await world.publish(*requests(one, one.partition("-")[0]))
        heard = await world.hear(customers, lambda heard: kinds(heard, outcomes.ContactDelivered) == 8)
        heard = await world.hear(customers, lambda heard: kinds(heard, outcomes.ContactAttempted) == 12)
        async with httpx.AsyncClient(base_url=world.http) as client:
            contact = (await client.get("/contacts/k-sms-0")).json()
            progress = (await client.get("/progress")).json()
            unsigned = await client.post("/providers/sms/status?attempt=x", data={"MessageSid": "y"})
    assert contact_process.returncode == 0
    assert len(heard) == 20
    assert world.tokens(customers) == sorted(message_attempt_id(f"k-sms-{n}") for n in range(8))
    assert world.readers(customers) == [f"email-{n}@home.example" for n in range(4)]
    assert contact["state"] == "delivered"
    assert "Ada" in contact["attempts"][0]["body"]
    assert not any(progress["pending"].values())
    assert unsigned.status_code == 403


async def test_a_kill_in_the_middle_loses_nothing_and_repeats_nothing(world: World) -> None:
    customers = {f"kill-{n}" for n in range(60)}
    async with world.running() as first:
        for one in sorted(customers):
            await world.publish(*requests(one, "sms"))
        async with asyncio.timeout(PATIENCE_S):
            while not world.tokens(customers):  # noqa: ASYNC110  the gateway has no event for it
                await asyncio.sleep(0.001)
        first.kill()
        await first.wait()
    async with world.running():
        heard = await world.hear(customers, lambda heard: kinds(heard, outcomes.ContactDelivered) == 60)
    assert kinds(heard, outcomes.ContactAttempted) == 60
    assert world.tokens(customers) == sorted(message_attempt_id(f"k-{one}") for one in customers)


async def test_two_processes_share_the_work(world: World) -> None:
    customers = {f"two-{n}" for n in range(40)}
    async with world.running():
        world.ports["http"], first = free_port(), world.ports["http"]
        async with world.running():
            world.ports["http"] = first
            for one in sorted(customers):
                await world.publish(*requests(one, "email"))
            await world.hear(customers, lambda heard: kinds(heard, outcomes.ContactAttempted) == 40)
    assert world.readers(customers) == sorted(f"{one}@home.example" for one in customers)
