"""One run of the history: day after day of facts, mornings and closes; afterwards everything that is left of it."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import suppress
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any

import asyncpg
from aiokafka.errors import KafkaError

from deploy.local.demo.ends import TopicEnds
from deploy.local.demo.figures import METRICS
from deploy.local.demo.line import AwayError, RefusedError
from deploy.local.demo.lines import Lines
from deploy.local.demo.mailroom import Mailroom
from deploy.local.demo.quiet import Quiet, Step
from deploy.local.environments import Commands, Options
from deploy.local.portfolio.calendar import CLOSE, MORNING, business_day_closed, clock_advanced
from deploy.local.portfolio.lender import Lender, Slice
from deploy.local.portfolio.publish import Publisher
from deploy.local.portfolio.writer import Record
from deploy.local.supervisor import LocalSystem
from tests.chaos.faults import Blow, Fists

Left = dict[str, Any]
PASSING = (AwayError, KafkaError, OSError, TimeoutError)
SESSION_S = 4
NO_MATTER_WHEN = datetime(2000, 1, 1, tzinfo=UTC)
REPAYMENTS = "banking.repayments"


class ImpatientCommands(Commands):
    """Services whose session is shorter than the longest stop."""

    def service(self, name: str) -> list[str]:
        return ["/usr/bin/env", f"ARREARS_SESSION_TIMEOUT_S={SESSION_S}", *super().service(name)]


class History:
    """A lender on a system of its own."""

    def __init__(self, folder: Path, lender: Lender, plan: list[list[Blow]], tell: Callable[[str], None]) -> None:
        self.struck: Counter[str] = Counter()
        self.published = 0
        self.unknown = 0
        self.not_sent = 0
        self._mailroom: Mailroom | None = None
        self._folder = folder
        self._lender = lender
        self._plan = plan
        self._tell = tell

    async def run(self) -> Left:
        """Everything the history left."""
        options = Options(clock="simulated", partitions=2, log_level="info")
        async with LocalSystem(self._folder, options=options, commands=ImpatientCommands()) as system:
            lines = Lines.to(system.addresses)
            try:
                await self._days(system, lines)
                await self._resolve_unknown(lines)
                return await _left(lines, system)
            finally:
                lines.close()

    async def _days(self, system: LocalSystem, lines: Lines) -> None:
        bootstrap = system.addresses.kafka
        fists = Fists(system)
        slices = self._lender.days()
        async with TopicEnds(bootstrap) as ends:
            quiet = Quiet(lines.services, lines.gateway, ends)
            for number, day in enumerate(self._lender.business_days):
                striking = [asyncio.create_task(fists.strike(blow)) for blow in self._plan[number]]
                await self._day(day, list(_records(slices)), bootstrap, quiet, lines)
                await asyncio.gather(*striking)
                for name in lines.services:
                    await system.until_ready(name)
                self._tell(f"{day}: {self.published:,} events, {fists.struck.total()} faults")
            await _patiently(lambda: _rest(quiet, "end", day, CLOSE))
        self.struck = fists.struck

    async def _day(self, day: date, records: list[Record], bootstrap: str, quiet: Quiet, lines: Lines) -> None:
        """In steps, so that what is known when something is decided is the same in each run.

        Contacts of the morning have an outcome before the evening. Of a customer with accounts on two shards, whoever
        is told first that one is repaid and then that the other is overdue calls a contact off; the other way round it
        stands. Both are right, so repayments are through before the day closes.
        """
        await self._publish([clock_advanced(day)], bootstrap, quiet)
        await _patiently(lambda: _rest(quiet, "morning", day, MORNING))
        while await self._resolve_unknown(lines):
            await _patiently(lambda: _rest(quiet, "morning", day, MORNING))
        await _patiently(lambda: _rest(quiet, "calls", day, MORNING))
        await self._publish([record for record in records if record.topic != REPAYMENTS], bootstrap, quiet)
        await self._publish([record for record in records if record.topic == REPAYMENTS], bootstrap, quiet)
        await _patiently(lambda: _rest(quiet, "calls", day, MORNING))
        await self._publish([business_day_closed(day)], bootstrap, quiet)
        await _patiently(lambda: _rest(quiet, "close", day, CLOSE))

    async def _publish(self, records: list[Record], bootstrap: str, quiet: Quiet) -> None:
        """Core banking, which does not know either what became of what it sent when the broker died: it repeats."""

        async def once() -> None:
            async with Publisher(bootstrap) as publisher:
                await publisher.publish(records)
                quiet.expect(publisher.ends)

        await _patiently(once)
        self.published += len(records)

    async def _resolve_unknown(self, lines: Lines) -> bool:
        """The person who looks up emails of unknown fate: what arrived was sent, what did not was not. True for any."""
        waiting = (await _patiently(lambda: lines.contact.get("/attempts?state=unknown&limit=500")))["attempts"]
        if not waiting:
            return False
        mailroom = self._mailroom = self._mailroom or Mailroom(lines.gateway, lines.inbox)
        await _patiently(lambda: mailroom.collect(NO_MATTER_WHEN))
        arrived = {message.token for message in mailroom.messages}
        for attempt in waiting:
            self.unknown += 1
            sent = attempt["attempt_id"] in arrived
            self.not_sent += not sent
            await self._found(lines, attempt["attempt_id"], "sent" if sent else "not_sent")
        return True

    async def _found(self, lines: Lines, attempt_id: str, state: str) -> None:
        # Refused when the answer to a first try was lost: what became of it is known by then.
        with suppress(RefusedError):
            path = f"/attempts/{attempt_id}/resolve"
            await _patiently(lambda: lines.contact.post(path, {"state": state, "by": "chaos"}))


def _records(slices: Iterator[Slice]) -> Iterator[Record]:
    """One day's."""
    for part in slices:
        yield from part.records
        if part.last:
            return


async def _rest(quiet: Quiet, step: Step, day: date, at: time) -> None:
    await quiet.until(step, datetime.combine(day, at))


async def _patiently(do: Callable[[], Awaitable[Any]]) -> Any:
    """Again until it is done: what it needs may be away."""
    while True:
        try:
            return await do()
        except PASSING:
            await asyncio.sleep(0.5)


async def _left(lines: Lines, system: LocalSystem) -> Left:
    """State, reports and contacts, without what differs between any two runs: instants, sequences, numbers given."""
    mailroom = Mailroom(lines.gateway, lines.inbox)
    await mailroom.collect(NO_MATTER_WHEN)
    left: Left = {
        f"metric {name}": _sorted((await lines.reporting.get(f"/metrics/{name}"))["rows"]) for name in METRICS
    }
    left["reporting"] = await lines.reporting.get("/portfolio")
    left["ledgers"] = await lines.ingest.get("/portfolio")
    left["attempts"] = _sorted((await lines.contact.get("/attempts/totals"))["totals"])
    left["messages"] = _sorted([m.channel, m.to, m.text] for m in mailroom.messages)
    left["messages twice"] = [token for token, n in Counter(m.token for m in mailroom.messages).items() if n > 1]
    for service, statements in TABLES.items():
        connection = await asyncpg.connect(system.addresses.postgres[service])
        for name, statement in statements.items():
            left[f"{service}: {name}"] = _sorted([str(v) for v in row] for row in await connection.fetch(statement))
        await connection.close()
    return left


TABLES: Mapping[str, Mapping[str, str]] = {
    "ingest": {
        "facts": "SELECT account_id, kind, key, body FROM fact",
        "accounts": """SELECT account_id, customer_id, policy, state, bucket, arrears_minor, exposure_minor,
                              next_transition_on FROM account""",
    },
    "strategy": {
        "cases": "SELECT customer_id, number, opened_on, closed_on, reason, strategy FROM case_file",
        "accounts": "SELECT account_id, days_past_due, bucket, arrears_minor, state FROM account",
        "treatments": "SELECT customer_id, step, sequence, channel, template, decided_on, state FROM treatment",
        "promises": "SELECT customer_id, amount_minor, promised_on, due_on, state, paid_minor FROM promise",
    },
    "contact": {
        # Who looked a message up is noted beside it: that is the only trace its unknown fate may leave.
        "contacts": """SELECT contact_id, customer_id, channel, template, state, nullif(reason, 'resolved_by_chaos'),
                              ARRAY(SELECT owed ->> 0 FROM jsonb_array_elements(accounts) AS owed) FROM contact""",
        "attempts": "SELECT attempt_id, customer_id, channel, state, endpoint, subject, body FROM attempt",
    },
    "reporting": {
        "buckets": "SELECT * FROM daily_bucket",
        "moves": "SELECT * FROM daily_move",
        "repaid": "SELECT * FROM daily_repaid",
        "cases": "SELECT case_id, customer_id, opened_on, closed_on, close_reason, strategy FROM fact_case",
        "contacts": """SELECT contact_id, customer_id, channel, requested_on, attempted_on, failed_on, suppressed_on,
                              suppressed_rule FROM fact_contact""",
    },
}
"""What is compared of the tables: no instants of this run, no sequences, no versions."""


def _sorted(rows: Any) -> list[Any]:
    return sorted(rows, key=str)
