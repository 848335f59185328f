"""The accounts of one transaction: read under the policies in force, written back with what is told of them.

An account that other versions of its packs folded is made anew from its facts before anything else touches it, so a
ledger is never carried on under rules it was not made by, whoever is first: a fact, a day close, or the job that an
activation starts.
"""

from collections.abc import AsyncGenerator, Callable, Iterable, Mapping, Sequence
from contextlib import aclosing
from datetime import date
from typing import Final, NamedTuple, TypeVar

from sqlalchemy.ext.asyncio import AsyncConnection

from services.ingest import job_store, store, translate
from services.ingest.domain.account import (
    Account,
    History,
    HistoryNeeded,
    StatusChange,
    age,
    reassess,
    regoverned,
    unmoved,
)
from services.ingest.domain.facts import Opened
from services.ingest.domain.policy import Rules
from services.ingest.packs import Packs
from services.ingest.tables import AccountRow, FactRow, Loaded, Status
from shared.contracts.fields import ID_LENGTH_MAX
from shared.messaging import Transaction

POLICY: Final = "policy"
NEVER_AGED: Final = date(1900, 1, 1)
"""Before core banking has closed a first day, nothing ages."""


class Worked(NamedTuple):
    """An account after a transaction's work on it, and what is to be told."""

    account: Account
    changes: list[StatusChange]


P = TypeVar("P")
Work = Callable[[str, P | None], Worked]
"""What is done to one account; HistoryNeeded where that takes its facts."""
Rows = Sequence[FactRow]


class Accounts:
    """The accounts a transaction works on, as of the shard's last aged day."""

    def __init__(
        self,
        tx: Transaction,
        packs: Packs,
        aged_to: date | None,
        loaded: Mapping[str, Loaded],
        before: Mapping[str, Rules] | None = None,
    ) -> None:
        """`before`: what the packs said that folded the accounts, by stamp, where that is known."""
        self._tx = tx
        self._before = before or {}
        self._packs = packs
        self._aged_to = aged_to or NEVER_AGED
        self._ageing = ageing(self._aged_to)
        self._loaded = loaded
        self._superseded: dict[str, str] = {}
        self._restamped: dict[str, str] = {}

    def currency(self, account_id: str) -> str | None:
        """The currency it was opened in, if it was."""
        loaded = self._loaded.get(account_id)
        return loaded.currency if loaded else None

    def read(self, account_id: str, history: History | None) -> Worked:
        """The account at the end of the shard's last aged day; made anew first where other packs folded it."""
        loaded = self._loaded.get(account_id)
        if loaded is None:
            account, changes = Account.new(account_id, self._packs.rules), list[StatusChange]()
        else:
            account = translate.account(account_id, loaded.folded, self._packs.rules)
            changes = self._under_present_packs(account, loaded.packs, history)
        changes += age(account, self._aged_to, self._ageing, history)
        return Worked(account, changes)

    def stays(self, account_id: str) -> bool:
        """Whether other packs than folded it say the same of it. It needs no work then: `write` notes the packs."""
        loaded = self._loaded[account_id]
        before, account = (
            self._before.get(loaded.packs),
            translate.account(account_id, loaded.folded, self._packs.rules),
        )
        if account.rules is None or before is None or not unmoved(account, before, self._aged_to):
            return False
        self._superseded[account_id], self._restamped[account_id] = loaded.packs, account.rules.packs
        return True

    async def each(self, account_ids: Iterable[str], work: Work[Rows]) -> dict[str, Worked]:
        """The work on each account; last on those that need their facts, which are read and let go account by account.

        A batch of late facts on old accounts would hold millions.
        """
        nothing: Rows = ()
        return await self.each_with(store.histories, account_ids, work, nothing)

    async def each_with(
        self,
        histories: Callable[[AsyncConnection, Sequence[str]], AsyncGenerator[tuple[str, P], None]],
        account_ids: Iterable[str],
        work: Work[P],
        nothing: P,
    ) -> dict[str, Worked]:
        """The same with facts in another form; `nothing` stands for those of an account that has none."""
        done: dict[str, Worked] = {}
        behind: list[str] = []
        for account_id in account_ids:
            try:
                done[account_id] = work(account_id, None)
            except HistoryNeeded:
                behind.append(account_id)
        if behind:
            async with aclosing(histories(self._tx.connection, behind)) as pasts:
                async for account_id, past in pasts:
                    done[account_id] = work(account_id, past)
        return done | {one: work(one, nothing) for one in behind if one not in done}

    async def write(self, done: Mapping[str, Worked]) -> None:
        """Tell what changed, in order, and save."""
        tx, told = self._tx, []
        for account_id, (account, changes) in done.items():
            for change in changes:
                event = translate.status(account, change)
                event_id = tx.emit(event, subject=account_id, key=account.customer_id)
                told.append(Status(account_id, change.version, event_id, translate.told(account, change)))
        if told:
            await store.tell(tx.connection, told, tx.now)
        if self._superseded:
            await store.supersede(tx.connection, self._superseded, tx.now)
        if done:
            await store.save(tx.connection, [row_of(account, tx.shard.partition) for account, _ in done.values()])
        await job_store.restamp(tx.connection, self._restamped)

    def _under_present_packs(self, account: Account, packs: str, history: History | None) -> list[StatusChange]:
        if account.rules is None or account.rules.packs == packs:
            return []
        changed = [pack for pack in account.rules.packs.split() if pack not in packs.split()]
        if history is not None:
            told = reassess(account, self._aged_to, _cause(changed), POLICY, history)
        elif packs in self._before:
            told = regoverned(account, self._before[packs], self._aged_to, _cause(changed), POLICY)
        else:
            raise HistoryNeeded
        self._superseded[account.account_id] = packs
        return told


def _cause(packs: Sequence[str]) -> str:
    """Names the versions that made the difference."""
    return f"{POLICY}:{'+'.join(packs)}"[:ID_LENGTH_MAX]


def ageing(day: date) -> str:
    """The cause of what a day close tells."""
    return f"ageing:{day.isoformat()}"


def past_of(rows: Sequence[FactRow], currency: str | None) -> History:
    """Stored facts as the domain reads them; without amounts in another currency than the account's."""
    own = currency or next((row.currency for row in rows if row.kind == Opened.kind), None)
    return [translate.stored(row) for row in rows if own is None or row.currency in (None, own)]


def row_of(account: Account, shard: int) -> AccountRow:
    """The account as it is stored."""
    folded = translate.folded(account)
    now = account.assessment
    if account.rules is None or now is None:
        nothing = (None,) * 8
        return AccountRow(account.account_id, shard, folded, account.waiting, *nothing, account.version, "", None)
    return AccountRow(
        account.account_id,
        shard,
        folded,
        0,
        account.customer_id,
        account.product,
        account.currency,
        account.policy,
        now.state,
        now.bucket,
        now.arrears_minor,
        now.exposure_minor,
        account.version,
        account.rules.packs,
        now.next_transition_on,
    )
