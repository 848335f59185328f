"""What ingest does with a batch of facts and with a closed business day: claim, load, fold, save, tell."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from services.ingest import store, translate
from services.ingest.domain.account import Account, History, HistoryNeeded, StatusChange, age, apply
from services.ingest.domain.facts import Opened
from services.ingest.packs import Packs
from services.ingest.tables import AccountRow, FactRow, Key, ShardDay
from services.ingest.translate import Arrival
from shared.contracts.banking import BusinessDayClosed, ClockAdvanced
from shared.contracts.delinquency import PortfolioAged
from shared.messaging import Received, Transaction

NEVER_AGED = date(1900, 1, 1)
"""Before core banking has closed a first day, nothing ages."""


@dataclass(frozen=True)
class Handlers:
    """Ingest's handlers over the policy packs in force."""

    packs: Packs
    simulated_clock: bool
    day_close_accounts_max: int

    async def facts(self, batch: Sequence[Received], tx: Transaction) -> None:
        """Fold facts into their ledgers; move the business date."""
        arrivals = []
        for received in batch:
            if isinstance(received.data, (BusinessDayClosed, ClockAdvanced)):
                await self._calendar(received, tx)
            else:
                arrivals.append(translate.arrival(received))
        if arrivals:
            await self._fold(arrivals, tx)

    async def day_close(self, tx: Transaction) -> bool:
        """Age one chunk of the shard's accounts, one calendar day after the other up to the next closed date.

        Only a date that core banking closed is told as aged: a weekend is aged through, but is no business day.
        """
        shard = tx.shard.partition
        day = await store.shard_day(tx.connection, shard)
        while day is not None and day.to_close:
            following = day.aged_to + timedelta(days=1)
            due = await store.due(tx.connection, shard, following, self.day_close_accounts_max)
            if due:
                await self._age(due, following, tx)
            if len(due) == self.day_close_accounts_max:
                return True
            day = day._replace(aged_to=following)
            if following == day.to_close[0]:
                day = day._replace(to_close=day.to_close[1:])
                _tell_aged(following, tx)
            await store.set_shard_day(tx.connection, shard, day)
        return False

    async def _calendar(self, received: Received, tx: Transaction) -> None:
        if isinstance(received.data, ClockAdvanced):
            if not self.simulated_clock:
                tx.reject(received, "clock_not_simulated", "ClockAdvanced is for local systems with a simulated clock")
            return
        closed = received.data.business_date
        day = await store.shard_day(tx.connection, tx.shard.partition)
        if day is not None and closed == day.closed_to:
            tx.duplicate(received)
        elif day is not None and closed < day.closed_to:
            tx.reject(received, "business_date_regressed", f"{day.closed_to} is closed already; expected a later date")
        else:
            aged_to, earlier = (day.aged_to, day.to_close) if day is not None else (closed - timedelta(days=1), ())
            await store.set_shard_day(tx.connection, tx.shard.partition, ShardDay(closed, aged_to, (*earlier, closed)))
            tx.wake_work()

    async def _fold(self, arrivals: Sequence[Arrival], tx: Transaction) -> None:
        loaded = await store.load(tx.connection, {a.account_id for a in arrivals})
        fresh = await self._claimed(self._admissible(arrivals, loaded, tx), tx)
        if not fresh:
            return
        day = await store.shard_day(tx.connection, tx.shard.partition)
        touched: dict[str, list[Arrival]] = {}
        for one in fresh:
            touched.setdefault(one.account_id, []).append(one)
        fold = _Fold(self.packs, day.aged_to if day else NEVER_AGED, loaded)
        await fold.run(touched, tx)

    async def _age(self, due: dict[str, tuple[str, str]], day: date, tx: Transaction) -> None:
        cause = f"ageing:{day.isoformat()}"
        stored = {
            account_id: translate.account(account_id, folded, self.packs.rules)
            for account_id, (folded, _) in due.items()
        }
        # Only a post-dated fact that begins to count needs the account's past.
        behind = [account_id for account_id, account in stored.items() if account.post_dated]
        past = await store.history(tx.connection, behind) if behind else {}
        for account_id, account in stored.items():
            history = [translate.stored(row) for row in past[account_id]] if account_id in past else None
            _tell(account, age(account, day, cause, history), tx)
        await store.save(tx.connection, [_row(account, tx.shard.partition) for account in stored.values()])

    def _admissible(
        self, arrivals: Sequence[Arrival], loaded: dict[str, tuple[str, str | None]], tx: Transaction
    ) -> list[Arrival]:
        """Without what names an unknown policy or another currency than its account's."""
        opened = {a.account_id: a.fact.currency for a in arrivals if isinstance(a.fact, Opened)}
        admitted: list[Arrival] = []
        for one in arrivals:
            currency = loaded.get(one.account_id, ("", None))[1] or opened.get(one.account_id)
            unknown = self.packs.unknown(one.fact) if isinstance(one.fact, Opened) else None
            if unknown is not None:
                tx.reject(one.received, "unknown_policy", unknown)
            elif one.currency and currency and one.currency != currency and not isinstance(one.fact, Opened):
                tx.reject(one.received, "wrong_currency", f"the account is in {currency}, the event in {one.currency}")
            else:
                admitted.append(one)
        return admitted

    async def _claimed(self, arrivals: Sequence[Arrival], tx: Transaction) -> list[Arrival]:
        """Those that are new. The same fact again is counted, another fact under a known key is refused."""
        first: dict[Key, Arrival] = {}
        repeats = [one for one in arrivals if first.setdefault(one.key, one) is not one]
        if not first:
            return []
        rows = {key: one.row() for key, one in first.items()}
        new = await store.claim(tx.connection, list(rows.values()))
        known = [key for key in first if key not in new]
        kept = await store.bodies(tx.connection, known) if known else {}
        for one in [*(first[key] for key in known), *repeats]:
            body = kept.get(one.key) or rows[one.key].body
            if body == one.row().body:
                tx.duplicate(one.received)
            else:
                detail = f"{one.fact.kind} {one.fact.key[:80]!r} of this account is known with other content"
                tx.reject(one.received, "conflicting_duplicate", detail)
        return [first[key] for key in first if key in new]


class _Fold:
    """Folds one batch account by account; those that need their past get it in one further query."""

    def __init__(self, packs: Packs, aged_to: date, loaded: dict[str, tuple[str, str | None]]) -> None:
        self._packs = packs
        self._aged_to = aged_to
        self._loaded = loaded

    async def run(self, touched: dict[str, list[Arrival]], tx: Transaction) -> None:
        """Fold, emit in the order the accounts were touched, save."""
        done: dict[str, tuple[Account, list[StatusChange]]] = {}
        behind = []
        for account_id, arrivals in touched.items():
            try:
                done[account_id] = self._folded(account_id, arrivals, None)
            except HistoryNeeded:
                behind.append(account_id)
        if behind:
            past = await store.history(tx.connection, behind)
            for account_id in behind:
                done[account_id] = self._folded(account_id, touched[account_id], past[account_id])
        for account_id in touched:
            _tell(*done[account_id], tx)
        await store.save(tx.connection, [_row(account, tx.shard.partition) for account, _ in done.values()])

    def _folded(
        self, account_id: str, arrivals: Sequence[Arrival], past: Sequence[FactRow] | None
    ) -> tuple[Account, list[StatusChange]]:
        fresh = {one.key for one in arrivals}
        # Stored facts hold this batch's too: each is seen only from its own turn on.
        history = None if past is None else [translate.stored(r) for r in past if (r[0], r[1], r[2]) not in fresh]
        account, changes = self._account(account_id, history)
        for one in arrivals:
            recorded_on = one.recorded_at.date()
            cause = one.received.event.id
            changes += apply(account, one.fact, recorded_on, cause, history)
            if history is not None:
                history.append((one.fact, recorded_on))
        return account, changes

    def _account(self, account_id: str, history: History | None) -> tuple[Account, list[StatusChange]]:
        """The account as of the shard's last aged day; nothing changes by that, or the day close had been here."""
        if account_id in self._loaded:
            account = translate.account(account_id, self._loaded[account_id][0], self._packs.rules)
        else:
            account = Account.new(account_id, self._packs.rules)
        return account, age(account, self._aged_to, f"ageing:{self._aged_to.isoformat()}", history)


def _tell_aged(day: date, tx: Transaction) -> None:
    aged = PortfolioAged(business_date=day, source_shard=tx.shard.partition, source_shards=tx.shards)
    tx.emit_everywhere(aged, subject=day.isoformat())


def _tell(account: Account, changes: Sequence[StatusChange], tx: Transaction) -> None:
    for change in changes:
        tx.emit(translate.status(account, change), subject=account.account_id, key=account.customer_id)


def _row(account: Account, shard: int) -> AccountRow:
    folded = translate.folded(account)
    now = account.assessment
    if account.rules is None or now is None:
        nothing = (None,) * 8
        return AccountRow(account.account_id, shard, folded, account.waiting, *nothing, account.version, None)
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
        now.next_transition_on,
    )
