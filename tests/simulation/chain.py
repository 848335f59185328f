"""Two services in a chain, whose every effect can be foretold from the log: what the simulation checks against.

The first keeps, for each account and topic, the offsets it applied, and tells of each fact once; a record whose
value says so is refused by the store. It closes business days with work of its own. The second counts what it hears.
"""

import json
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any, Literal, NamedTuple

from shared.contracts.banking import BusinessDayClosed
from shared.contracts.delinquency import PortfolioAged
from shared.messaging import Received, Stream, Transaction
from shared.messaging.stream import Record
from tests.simulation.broker import Written
from tests.simulation.store import Refused

FACTS = ("banking.billing", "banking.repayments")
CALENDAR = "banking.calendar"
STATUS = "delinquency.status"
PARTITIONS = {**dict.fromkeys((*FACTS, STATUS), 2), CALENDAR: 1}
PARTITIONS |= {f"{topic}.dead-letter": count for topic, count in PARTITIONS.items()}
FIRST_DAY = date(2026, 1, 1)
CLOSE_ROUNDS = 2

Kind = Literal["good", "refused", "junk"]


class Fact(NamedTuple):
    """One record core banking publishes: the same id may come twice."""

    topic: str
    account: str
    id: str
    kind: Kind

    @property
    def value(self) -> bytes:
        if self.kind == "junk":
            return b"not an event"
        money = {"amount": "1.00", "currency": "EUR"}
        data: dict[str, Any] = {"account_id": self.account, "effective_on": "2026-01-01"}
        if self.topic == FACTS[0]:
            return event("billing.BalanceReported", self.id, data | {"balance_id": self.id, "exposure": money})
        data |= {"repayment_id": self.id, "amount": money, "channel": self.kind}
        return event("repayments.RepaymentReceived", self.id, data)


def day_closed(number: int) -> bytes:
    day = (FIRST_DAY + timedelta(days=number)).isoformat()
    return event("calendar.BusinessDayClosed", f"day-{day}", {"business_date": day})


def event(kind: str, event_id: str, data: dict[str, Any]) -> bytes:
    head = {"specversion": "1.0", "id": event_id, "source": "core", "type": f"arrears.{kind}.v1"}
    return json.dumps({**head, "time": "2026-01-01T10:00:00Z", "data": data}).encode()


def fact_id(data: Any) -> str:
    return str(getattr(data, "repayment_id", None) or data.balance_id)


def applied_cell(record: Record | Written) -> tuple[str, str, int, bytes | None]:
    """Where the first service keeps what it applied: a tuple of offsets, in order."""
    return ("applied", record.topic, record.partition, record.key)


def tell(tx: Transaction, what: str, key: str) -> None:
    tx.emit(_told(), subject=what, key=key)


def _told() -> PortfolioAged:
    return PortfolioAged(business_date=FIRST_DAY, source_shard=0, source_shards=1)


async def apply(batch: Sequence[Received], tx: Transaction) -> None:
    """The first service's handler."""
    rows: Any = tx.connection
    await rows.call()
    for one in batch:
        if isinstance(one.data, BusinessDayClosed):
            await _close(one.data.business_date, tx)
        else:
            await _fold(one, tx)
    await rows.call()


async def _fold(one: Received, tx: Transaction) -> None:
    rows: Any = tx.connection
    if getattr(one.data, "channel", "") == "refused":
        raise Refused
    cell, fact = applied_cell(one.record), fact_id(one.data)
    await rows.put(cell, (*(await rows.get(cell) or ()), one.record.offset))
    if await rows.get(("fact", fact)):
        tx.duplicate(one)
        return
    await rows.put(("fact", fact), True)
    tell(tx, fact, one.data.account_id)


async def _close(day: date, tx: Transaction) -> None:
    rows: Any = tx.connection
    closed, left = ("closed", tx.shard.partition), ("left", tx.shard.partition)
    await rows.put(closed, (*(await rows.get(closed) or ()), day))
    await rows.put(left, (*(await rows.get(left) or ()), *((day, n) for n in range(CLOSE_ROUNDS))))
    tx.wake_work()


async def close_rounds(tx: Transaction) -> bool:
    """The first service's work: a round of the day's close a transaction."""
    rows: Any = tx.connection
    left = ("left", tx.shard.partition)
    rounds = await rows.get(left)
    if not rounds:
        return False
    day, number = rounds[0]
    await rows.put(left, rounds[1:])
    tx.emit_everywhere(_told(), subject=aged(day, number, tx.shard.partition))
    return len(rounds) > 1


def aged(day: date, number: int, partition: int) -> str:
    return f"aged/{day}/{number}/{partition}"


async def hear(batch: Sequence[Received], tx: Transaction) -> None:
    """The second service's handler."""
    rows: Any = tx.connection
    for one in batch:
        cell = heard_cell(one.record, one.event.subject)
        await rows.put(cell, (await rows.get(cell) or 0) + 1)
    await rows.call()


def heard_cell(record: Record | Written, subject: str | None) -> tuple[str, int, str | None]:
    """A copy on each partition counts apart."""
    return ("heard", record.partition, subject)


FIRST = Stream("facts", FACTS, apply, broadcast=(CALENDAR,), work=close_rounds)
SECOND = Stream("told", (STATUS,), hear)
