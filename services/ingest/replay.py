"""`python -m services.ingest reassess`: makes every account anew beside the live one, and says where they differ.

Comparing changes nothing. What is to be swapped is handed to a job, which the shards' owners work on in their own
transactions: a correction is published like any other change, and nothing has to stop for it.
"""

import asyncio
import multiprocessing
from collections import Counter
from collections.abc import Awaitable, Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from services.ingest import job_store, policy_store, replay_store
from services.ingest.comparison import EXAMPLES_MAX, Compared, Comparing, Difference, begin, compare, ranges
from services.ingest.packs import Packs, as_written
from services.ingest.policies import Policies
from services.ingest.reassessment import REPLAY
from services.ingest.replay_store import LIVE, REPLAYED, FactCounts
from shared.messaging.autocommit import autocommit
from shared.runtime.clock import SystemClock
from shared.vocabulary.errors import Misconfigured, Rejected

ACCOUNTS_PER_RANGE: Final = 2_000
LOOK_EVERY_S: Final = 0.5

Told = Callable[[str, int, int], None]
"""What is done, how much of it, out of how much."""


@dataclass
class Report:
    """What a replay found."""

    accounts: int = 0
    differing: int = 0
    by_figure: Counter[str] = field(default_factory=Counter)
    examples: list[Difference] = field(default_factory=list)
    facts: FactCounts | None = None
    lost_accounts: int = 0

    @property
    def same(self) -> bool:
        """Whether nothing differs that a swap would change."""
        return not (self.differing or self.lost_accounts or (self.facts and self.facts.only_in_topics))

    def add(self, compared: Compared) -> None:
        """What one more range came to."""
        self.accounts += compared.accounts
        self.differing += compared.differing
        self.by_figure += compared.by_figure
        self.examples = (self.examples + compared.examples)[:EXAMPLES_MAX]


@dataclass(frozen=True)
class Replay:
    """One run over a service's database."""

    engine: AsyncEngine
    database: str
    policies: Policies
    workers: int
    told: Told
    policy: str | None = None
    """NAME: only the accounts it governs. NAME@VERSION: those accounts, by that version, in force or not."""
    topics: Callable[[Packs, Told], Awaitable[None]] | None = None
    """Fills the scratch table from the topics; without it the kept facts are taken."""
    actor: str = "reassess"

    async def run(self, apply: bool) -> Report:
        """Compare; with `apply`, have what differs made anew and wait for it."""
        async with autocommit(self.engine) as alone:
            if not await replay_store.alone(alone):
                raise Misconfigured("another replay runs on this database; wait for it")
            await replay_store.scratch(alone)
            try:
                report = await self._compared()
                if apply and not report.same:
                    await self._applied()
                return report
            finally:
                await replay_store.drop_scratch(alone)
                await alone.invalidate()  # the lock ends with the connection

    async def _compared(self) -> Report:
        name, _, version = (self.policy or "").partition("@")
        pack = f" {name}@" if name else ""
        async with self.engine.connect() as connection:
            packs = await self._packs(connection, name, version)
            total = await replay_store.count(connection, pack)
            bounds = await replay_store.bounds(connection, pack, ACCOUNTS_PER_RANGE)
        report = Report()
        if self.topics is not None:
            await self.topics(packs, self.told)
            async with self.engine.begin() as connection:
                report.facts = await replay_store.fact_counts(connection)
                report.lost_accounts = await replay_store.note_lost(connection)
        facts = LIVE if self.topics is None else REPLAYED
        asked = Comparing(self.database, [as_written(d) for d in packs.documents], facts, pack)
        await self._compare(asked, ranges(bounds), report, total)
        return report

    async def _packs(self, connection: AsyncConnection, name: str, version: str) -> Packs:
        packs = await self.policies.in_force(connection)
        if self.policy is not None and name not in {document.name for document in packs.documents}:
            raise Misconfigured(f"--policy: no pack called {name[:64]!r} is in force")
        if not version:
            return packs
        if not version.isdecimal():
            raise Misconfigured("--policy: expected NAME or NAME@VERSION")
        try:
            other = await self.policies.version(connection, name, int(version[:9]))
        except Rejected as refusal:
            raise Misconfigured(f"--policy: {self.policy}: {refusal.detail}") from None
        return Packs([other if document.name == name else document for document in packs.documents])

    async def _compare(self, asked: Comparing, todo: list[tuple[str, str]], report: Report, total: int) -> None:
        loop, spawning = asyncio.get_running_loop(), multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(self.workers, spawning, begin, (asked,)) as pool:
            # No more ranges wait than there are workers to take them: memory stays as it is.
            slots = asyncio.Semaphore(self.workers * 2)

            async def one(bounds: tuple[str, str]) -> None:
                async with slots:
                    report.add(await loop.run_in_executor(pool, compare, bounds))
                    self.told("accounts compared", report.accounts, total)

            async with asyncio.TaskGroup() as tasks:
                for bounds in todo:
                    tasks.create_task(one(bounds))

    async def _applied(self) -> None:
        now = SystemClock().now()
        async with self.engine.begin() as connection:
            if self.topics is not None:
                await replay_store.restore(connection, now)
            job_id = await job_store.insert(connection, REPLAY, None, None, self.actor, now)
            await replay_store.hand_over(connection, job_id)
            await job_store.spread_listed(connection, job_id)
        await self._done(job_id)

    async def _done(self, job_id: int) -> None:
        """Waits for the services: without one that runs, the job waits for the next start."""
        while True:
            async with self.engine.connect() as connection:
                job = (await job_store.jobs(connection, job_id))[0]
            self.told(f"accounts swapped (job {job_id})", job["done"], job["total"])
            if job["shards"] == job["shards_finished"]:
                return
            await asyncio.sleep(LOOK_EVERY_S)

    async def refuse_to_apply_a_draft(self) -> None:
        """Misconfigured for a version that is not in force: activating it is the way to apply it."""
        name, _, version = (self.policy or "").partition("@")
        async with self.engine.connect() as connection:
            active = await policy_store.active(connection, 2**62)
        if version and not any(row["name"] == name and str(row["version"]) == version for row in active):
            raise Misconfigured(f"--apply: {self.policy} is not in force; activate it instead")
