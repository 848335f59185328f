"""Driving the simulated days: a morning of contacts, calls, the day's facts, the close; each brought to rest."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from time import monotonic
from typing import Final, NamedTuple

from deploy.local.demo.collectors import Collectors
from deploy.local.demo.debtors import Debtors
from deploy.local.demo.mailroom import Mailroom, Message
from deploy.local.demo.quiet import Quiet
from deploy.local.portfolio.calendar import CLOSE, MORNING, business_day_closed, clock_advanced
from deploy.local.portfolio.lender import Lender, Slice
from deploy.local.portfolio.publish import Publisher
from deploy.local.portfolio.writer import Record

BILLING: Final = "banking.billing"
REPAYMENTS: Final = "banking.repayments"
STATEMENTS: Final = (b'"arrears.billing.BillIssued.v1"', b'"arrears.billing.BalanceReported.v1"')


class Step(NamedTuple):
    """Where the year has got to, for whoever shows it."""

    day: date
    facts: int
    messages: int
    calls: int


@dataclass
class Year:
    """One run through the lender's history. `facts` are all records published for ingest to fold, in order."""

    lender: Lender
    publisher: Publisher
    quiet: Quiet
    mailroom: Mailroom
    collectors: Collectors
    debtors: Debtors
    facts: list[Record] = field(default_factory=list)
    spent_s: dict[str, float] = field(default_factory=dict)
    """Seconds a kind of step took, over the whole year."""
    nightly: list[Message] = field(default_factory=list)
    """Messages that came after a close, when nobody may be written to."""

    async def run(self, show: Callable[[Step], None]) -> None:
        """Simulate every business day."""
        slices = self.lender.days()
        upcoming = self._next_day(slices)
        for day in self.lender.business_days:
            # On the first day accounts are opened whose old bills are due.
            statements, others = statements_of(upcoming) if self.facts else ([], upcoming)
            await self._morning(day, statements)
            await self._evening(day, others)
            upcoming = self._next_day(slices)
            await self._night(day)
            show(Step(day, len(self.facts), len(self.mailroom.messages), len(self.collectors.calls)))
        with self._timed("reporting's rest"):
            await self.quiet.until("end", datetime.combine(self.lender.business_days[-1], CLOSE))

    async def _morning(self, day: date, statements: list[Record]) -> None:
        """Planned contacts go out; people read them; collectors call.

        Meanwhile the day's statements are published: they change nothing of what anybody owes by now.
        """
        at = datetime.combine(day, MORNING)
        with self._timed("mornings"):
            await self._publish([clock_advanced(day)])
            await self.quiet.until("morning", at)
        with self._timed("publishing"):
            self.facts += statements
            await self._publish(statements)
        with self._timed("messages and calls"):
            self.debtors.read(await self.mailroom.collect(at), day)
            await self.collectors.work(day)
        with self._timed("after calls"):
            await self.quiet.until("calls", at)

    async def _evening(self, day: date, records: list[Record]) -> None:
        """The day's facts, then the close: a close is applied only after the facts published before it.

        Repayments go last, so that each run applies them to the same bills.
        """
        with self._timed("publishing"):
            self.facts += records
            await self._publish([record for record in records if record.topic != REPAYMENTS])
            await self._publish([record for record in records if record.topic == REPAYMENTS])
            await self._publish([business_day_closed(day)])

    async def _night(self, day: date) -> None:
        at = datetime.combine(day, CLOSE)
        with self._timed("day closes"):
            await self.quiet.until("close", at)
        with self._timed("messages and calls"):
            self.nightly += await self.mailroom.collect(at)

    def _next_day(self, slices: Iterator[Slice]) -> list[Record]:
        """The facts of the following day, made while the services are busy with this one."""
        with self._timed("inventing facts"):
            records: list[Record] = []
            for part in slices:
                records += part.records
                if part.last:
                    break
            return records

    async def _publish(self, records: list[Record]) -> None:
        await self.publisher.publish(records)
        self.quiet.expect(self.publisher.ends)

    @contextmanager
    def _timed(self, name: str) -> Iterator[None]:
        started = monotonic()
        yield
        self.spent_s[name] = self.spent_s.get(name, 0) + monotonic() - started


def statements_of(records: list[Record]) -> tuple[list[Record], list[Record]]:
    """New bills and balances, nothing of which is due on its day; and the other records."""
    parts: tuple[list[Record], list[Record]] = ([], [])
    for record in records:
        later = record.topic != BILLING or not any(kind in record.value for kind in STATEMENTS)
        parts[later].append(record)
    return parts
