"""Re-assessing accounts chunk by chunk in the shard that owns them, as an activation or a replay asked for.

A chunk and the note of how far the shard is commit together: stopped anywhere, the job goes on where it was, and
whoever owns the shard does its part. What differs is published like any change, with the policy version as its cause.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

import orjson

from services.ingest import job_store
from services.ingest.accounts import Accounts, Worked, past_of
from services.ingest.domain import facts
from services.ingest.domain.account import Account, History, HistoryNeeded, StatusChange, apply, reassess
from services.ingest.domain.facts import Opened
from services.ingest.packs import Packs
from services.ingest.policies import Policies
from services.ingest.tables import FactRow, JobShard, Loaded, Moved, Standing
from shared.messaging import Transaction
from shared.messaging.retry import sleep_unless
from shared.runtime.service import Context
from shared.vocabulary.errors import Rejected

REPLAY: Final = "replay"
LOOK_EVERY_S: Final = 1.0


@dataclass(frozen=True)
class Reassessment:
    """Chunks of re-assessments under the packs in force."""

    policies: Policies
    packs: Packs
    accounts_max: int

    async def chunk(self, standing: Standing, tx: Transaction) -> bool:
        """Re-assess the shard's next accounts of its oldest job; True, since there may be more of this or another."""
        assert standing.job_id is not None
        part = await job_store.shard(tx.connection, standing.job_id, tx.shard.partition)
        found = await job_store.accounts(tx.connection, part, tx.shard.partition, self.accounts_max)
        stale, errors = self._stale(found, part)
        stamps = {found[account_id].packs for account_id in stale} - {""}
        before = {packs: await self.policies.rules(tx.connection, packs) for packs in sorted(stamps)}
        accounts = Accounts(tx, self.packs, standing.day and standing.day.aged_to, found, before)
        if part.kind == REPLAY:
            done = await accounts.each(stale, lambda one, past: _replayed(accounts, one, part, past))
        else:
            moving = [one for one in stale if not accounts.stays(one)]
            done = await accounts.each_with(
                job_store.histories, moving, lambda one, past: _regoverned(accounts, one, past), ""
            )
        await accounts.write(done)
        changed = sum(1 for worked in done.values() if worked.changes)
        finished = len(found) < self.accounts_max
        moved = Moved(len(found), changed, errors, max(found, default=None), finished)
        await job_store.advance(tx.connection, part, tx.shard.partition, moved, tx.now)
        return True

    def _stale(self, found: dict[str, Loaded], part: JobShard) -> tuple[list[str], int]:
        """The accounts to re-assess, and how many cannot be, since their packs are not there."""
        present: dict[str, str | None] = {}
        stale, errors = [], 0
        for account_id, loaded in found.items():
            if not loaded.packs:
                stale += [account_id] if part.kind == REPLAY else []
                continue
            if loaded.packs not in present:
                present[loaded.packs] = self._present(loaded.packs)
            now = present[loaded.packs]
            errors += now is None
            if now is not None and (now != loaded.packs or part.kind == REPLAY):
                stale.append(account_id)
        return stale, errors

    def _present(self, packs: str) -> str | None:
        """The versions in force of the packs an account is stamped with; None when one is not there."""
        policy, *classifications = [pack.rsplit("@", 1)[0] for pack in packs.split()]
        try:
            return self.packs.rules(policy, classifications).packs
        except Rejected:
            return None


def _regoverned(accounts: Accounts, account_id: str, past: str | None) -> Worked:
    return accounts.read(account_id, None if past is None else _history(past))


def _history(past: str) -> History:
    told = orjson.loads(f"[{past}]")
    return [(facts.unpack(kind, body), date.fromisoformat(recorded_on)) for kind, body, recorded_on in told]


def _replayed(accounts: Accounts, account_id: str, part: JobShard, past: Sequence[FactRow] | None) -> Worked:
    if past is None:
        raise HistoryNeeded
    history = past_of(past, accounts.currency(account_id))
    account, changes = accounts.read(account_id, history)
    return Worked(account, [*changes, *_made_anew(account, f"{REPLAY}:{part.job_id}", history)])


def _made_anew(account: Account, cause: str, history: History) -> list[StatusChange]:
    """The account made anew; opened, where its opening was among the facts that had been lost."""
    opening = next((past for past in history if isinstance(past[0], Opened)), None)
    if account.rules is not None:
        return reassess(account, account.as_of, cause, REPLAY, history)
    if opening is None:
        account.waiting = len(history)
        return []
    waited = [past for past in history if past is not opening]
    return apply(account, opening[0], opening[1], cause, waited)


async def watch(context: Context, stop: asyncio.Event) -> None:
    """Wake this process's shards while a re-assessment waits, whichever process it was asked of."""
    while not stop.is_set():
        async with context.engine.connect() as connection:
            waits = await job_store.unfinished(connection)
        if waits:
            context.wake_work()
        await sleep_unless(stop, LOOK_EVERY_S)
