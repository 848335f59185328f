"""The contact service's parts on a real database, with channels and a clock the tests hold in their hands."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import sqlalchemy as sa
from aiokafka import AIOKafkaProducer
from sqlalchemy.ext.asyncio import AsyncEngine

from services.contact import packs
from services.contact.call_queue import CallQueue
from services.contact.channels.fake import FakeChannel
from services.contact.channels.port import Channel
from services.contact.claim import Claims
from services.contact.dispatch import Dispatcher
from services.contact.gatekeeper import Gatekeeper
from services.contact.handlers import CustomerEvents
from services.contact.messages import Composer
from services.contact.rendering import SHIPPED, Templates
from services.contact.resolve import Resolver
from services.contact.store import contacts
from shared.contracts import banking, collections, delinquency
from shared.contracts.envelope import Event
from shared.contracts.fields import Amount, Contract
from shared.contracts.topics import TOPIC_OF, TOPICS, TYPE_OF
from shared.messaging import Commands, Received
from shared.messaging.commands import COMMANDS
from shared.messaging.publisher import Publisher
from shared.messaging.relay import Relay
from shared.messaging.stream import Record
from shared.runtime import database
from shared.runtime.clock import SimulatedClock
from shared.vocabulary.money import minor_units
from tests.schemas import empty, migrate

TUESDAY_NOON = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)
DAY = timedelta(days=1)


def _no_producer() -> AIOKafkaProducer:
    raise AssertionError("these tests look at the outbox, nothing is relayed")


@dataclass
class Lab:
    """One service on one database. `restart` is what a crash and a new process amount to."""

    engine: AsyncEngine
    clock: SimulatedClock = field(default_factory=lambda: SimulatedClock(TUESDAY_NOON))
    sms: FakeChannel = field(default_factory=FakeChannel)
    email: FakeChannel = field(default_factory=lambda: FakeChannel(keeps_record=False))
    offset: int = 0

    def __post_init__(self) -> None:
        counts = {topic.name: 2 for topic in TOPICS}
        relay = Relay(self.engine, Publisher(_no_producer), "contact", COMMANDS)
        self.commands = Commands(self.engine, relay, "contact", counts, self.clock)
        self.gatekeeper = Gatekeeper(packs.read_rules(packs.SHIPPED))
        self.claims = Claims(self.gatekeeper, Composer(Templates(SHIPPED), "Test Lender"))
        self.queue = CallQueue(self.gatekeeper, timedelta(minutes=15))

    @property
    def channels(self) -> Mapping[str, Channel]:
        return {"sms": self.sms, "email": self.email}

    def dispatcher(self, channels: Mapping[str, Channel] | None = None, poll_s: float = 0.05) -> Dispatcher:
        return Dispatcher(
            engine=self.engine, commands=self.commands, clock=self.clock, claims=self.claims,
            channels=channels or self.channels, batch_max=50, concurrent_max=8, poll_s=poll_s,
        )  # fmt: skip

    def resolver(self, channels: Mapping[str, Channel] | None = None) -> Resolver:
        return Resolver(engine=self.engine, commands=self.commands, channels=channels or self.channels, interval_s=0.05)

    async def tell(self, *events: Contract) -> None:
        """One batch of events through the handler."""
        batch = [self._received(data) for data in events]
        async with self.commands.transaction() as tx:
            await CustomerEvents(self.gatekeeper)(batch, tx)

    def _received(self, data: Contract) -> Received:
        self.offset += 1
        topic = TOPIC_OF[type(data)].name
        event = Event(f"e-{self.offset}", "test", TYPE_OF[type(data)], None, self.clock.now(), data)
        return Received(event, Record(topic, 0, self.offset, None, b""))

    def move_clock(self, instant: datetime) -> None:
        self.clock.observe(instant)

    async def rows(self, sql: str, **values: Any) -> list[dict[str, Any]]:
        async with self.engine.connect() as connection:
            return [dict(row._mapping) for row in await connection.execute(sa.text(sql), values)]

    async def states(self) -> dict[str, str]:
        """contact id -> state."""
        return {row["contact_id"]: row["state"] for row in await self.rows("SELECT contact_id, state FROM contact")}

    async def show(self, contact_id: str) -> dict[str, Any]:
        async with self.engine.connect() as connection:
            return (await contacts.show(connection, contact_id=contact_id))[0]

    async def emitted(self) -> list[tuple[str, dict[str, Any]]]:
        """(event name, data) of everything in the outbox, in order."""
        found = await self.rows("SELECT value FROM outbox ORDER BY stream, partition, seq")
        events = [orjson.loads(row["value"]) for row in found]
        return [(event["type"].split(".")[-2], event["data"]) for event in events]

    async def names(self) -> list[str]:
        return [name for name, _ in await self.emitted()]

    async def empty(self) -> None:
        """Start over with nothing."""
        async with self.engine.begin() as connection:
            await connection.execute(sa.text("ALTER TABLE gate_decision DISABLE TRIGGER append_only"))
            await empty(connection)
            await connection.execute(sa.text("ALTER TABLE gate_decision ENABLE TRIGGER append_only"))
        await self.commands.prepare()


async def new_lab(url: str) -> Lab:
    """A migrated database with a service on it."""
    await migrate("contact", url)
    lab = Lab(database.engine_of(url, 8))
    await lab.commands.prepare()
    return lab


def customer(customer_id: str = "c-1", **fields: Any) -> banking.CustomerUpdated:
    known: dict[str, Any] = {
        "customer_id": customer_id, "revision": 1, "name": "Ada Example", "language": "en",
        "time_zone": "Europe/Berlin",
        "contact_points": (
            banking.ContactPoint(kind="mobile", value="+4915100000001"),
            banking.ContactPoint(kind="email", value="ada@example.org"),
        ),
    }  # fmt: skip
    return banking.CustomerUpdated(**{**known, **fields})


def status(
    account_id: str = "a-1", customer_id: str = "c-1", version: int = 1, arrears: str = "120.50"
) -> delinquency.ArrearsChanged:
    return delinquency.ArrearsChanged(
        account_id=account_id, customer_id=customer_id, product="card", version=version, as_of=TUESDAY_NOON.date(),
        days_past_due=5, bucket="1-29", previous_bucket="1-29", delinquent=arrears != "0.00", policy="instalment",
        policy_version=1, arrears=Amount(minor_units(arrears, "EUR"), "EUR"), cause="f-1", reason="bill",
        exposure=Amount(100_000, "EUR"),
    )  # fmt: skip


def request(contact_id: str = "k-1", customer_id: str = "c-1", **fields: Any) -> collections.ContactRequested:
    owed = Amount(12_050, "EUR")
    known: dict[str, Any] = {
        "case_id": "case-1", "customer_id": customer_id, "contact_id": contact_id, "treatment_id": f"t-{contact_id}",
        "channel": "sms", "template": "reminder", "arrears": (owed,), "days_past_due": 5,
        "accounts": (collections.AccountOwed(account_id="a-1", arrears=owed, days_past_due=5, bucket="1-29"),),
        "requested_at": TUESDAY_NOON, "expires_at": TUESDAY_NOON + 4 * DAY,
    }  # fmt: skip
    return collections.ContactRequested(**{**known, **fields})
