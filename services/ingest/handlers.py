"""What ingest does with a batch of facts and with a closed business day: claim, load, fold, save, tell."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from services.ingest import store, translate
from services.ingest.accounts import Accounts, Worked, ageing, past_of
from services.ingest.domain.account import History, age, apply
from services.ingest.domain.facts import Opened
from services.ingest.packs import Packs
from services.ingest.policies import Policies
from services.ingest.reassessment import Reassessment
from services.ingest.tables import FactRow, Key, Loaded, ShardDay, Standing
from services.ingest.translate import Arrival
from shared.contracts.banking import BusinessDayClosed, ClockAdvanced
from shared.contracts.delinquency import PortfolioAged
from shared.messaging import Received, Transaction

_CALENDAR: Final = (BusinessDayClosed, ClockAdvanced)


@dataclass(frozen=True)
class Handlers:
    """Ingest's handlers over the policies in force."""

    policies: Policies
    simulated_clock: bool
    accounts_max: int
    """Accounts that one transaction of a day close or a re-assessment works on."""

    async def facts(self, batch: Sequence[Received], tx: Transaction) -> None:
        """Fold facts into their ledgers; move the business date."""
        arrivals = []
        for received in batch:
            # Models answer isinstance() slowly, and this is asked of every record.
            if type(received.data) in _CALENDAR:
                await self._calendar(received, tx)
            else:
                arrivals.append(translate.arrival(received))
        if arrivals:
            await self._fold(arrivals, tx)

    async def work(self, tx: Transaction) -> bool:
        """One chunk of a day close; once all closed days are done, one of a re-assessment."""
        standing = await store.standing(tx.connection, tx.shard.partition)
        if standing.day is not None and standing.day.to_close:
            return await self._day_close(standing.day, standing, tx) or standing.job_id is not None
        if standing.job_id is None:
            return False
        packs = await self.policies.in_force(tx.connection, standing.activation)
        return await Reassessment(self.policies, packs, self.accounts_max).chunk(standing, tx)

    async def _day_close(self, day: ShardDay, standing: Standing, tx: Transaction) -> bool:
        """Age one chunk of the shard's accounts, one calendar day after the other up to the next closed date.

        Only a date that core banking closed is told as aged: a weekend is aged through, but is no business day.
        """
        shard = tx.shard.partition
        packs = await self.policies.in_force(tx.connection, standing.activation)
        while day.to_close:
            following = day.aged_to + timedelta(days=1)
            due = await store.due(tx.connection, shard, following, self.accounts_max)
            if due:
                await _age(Accounts(tx, packs, day.aged_to, due), due, following)
            if len(due) == self.accounts_max:
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
        day = (await store.standing(tx.connection, tx.shard.partition)).day
        if day is not None and closed == day.closed_to:
            tx.duplicate(received)
        elif day is not None and closed < day.closed_to:
            tx.reject(received, "business_date_regressed", f"{day.closed_to} is closed already; expected a later date")
        else:
            aged_to, earlier = (day.aged_to, day.to_close) if day is not None else (closed - timedelta(days=1), ())
            await store.set_shard_day(tx.connection, tx.shard.partition, ShardDay(closed, aged_to, (*earlier, closed)))
            tx.wake_work()

    async def _fold(self, arrivals: Sequence[Arrival], tx: Transaction) -> None:
        standing = await store.standing(tx.connection, tx.shard.partition)
        packs = await self.policies.in_force(tx.connection, standing.activation)
        loaded = await store.load(tx.connection, {a.account_id for a in arrivals})
        fresh = await self._claimed(_admissible(arrivals, loaded, packs, tx), tx)
        touched: dict[str, list[Arrival]] = {}
        for one in fresh:
            touched.setdefault(one.account_id, []).append(one)
        accounts = Accounts(tx, packs, standing.day and standing.day.aged_to, loaded)
        done = await accounts.each(touched, lambda one, past: _folded(accounts, one, touched[one], past))
        await accounts.write(done)

    async def _claimed(self, arrivals: Sequence[Arrival], tx: Transaction) -> list[Arrival]:
        """Those that are new. The same fact again is counted, another fact under a known key is refused."""
        first: dict[Key, Arrival] = {}
        repeats = [one for one in arrivals if first.setdefault(one.key, one) is not one]
        if not first:
            return []
        rows = {key: one.row() for key, one in first.items()}
        new = await store.claim(tx.connection, list(rows.values()), tx.now)
        if new is None and not repeats:
            return list(first.values())
        known = [] if new is None else [key for key in first if key not in new]
        kept = await store.bodies(tx.connection, known) if known else {}
        for one in [*(first[key] for key in known), *repeats]:
            body = kept.get(one.key) or rows[one.key].body
            if body == one.row().body:
                tx.duplicate(one.received)
            else:
                detail = f"{one.fact.kind} {one.fact.key[:80]!r} of this account is known with other content"
                tx.reject(one.received, "conflicting_duplicate", detail)
        return [one for key, one in first.items() if new is None or key in new]


def _admissible(arrivals: Sequence[Arrival], loaded: dict[str, Loaded], packs: Packs, tx: Transaction) -> list[Arrival]:
    """Without what names an unknown policy or another currency than its account's."""
    opened = {a.account_id: a.fact.currency for a in arrivals if type(a.fact) is Opened}
    known = {account_id: account.currency for account_id, account in loaded.items()}
    admitted: list[Arrival] = []
    for one in arrivals:
        currency = known.get(one.account_id) or opened.get(one.account_id)
        unknown = packs.unknown(one.fact) if type(one.fact) is Opened else None
        if unknown is not None:
            tx.reject(one.received, "unknown_policy", unknown)
        elif one.currency and currency and one.currency != currency and type(one.fact) is not Opened:
            tx.reject(one.received, "wrong_currency", f"the account is in {currency}, the event in {one.currency}")
        else:
            admitted.append(one)
    return admitted


def _folded(accounts: Accounts, account_id: str, arrivals: Sequence[Arrival], past: Sequence[FactRow] | None) -> Worked:
    """The account after these facts, one after the other."""
    history = None if past is None else _before(accounts, account_id, arrivals, past)
    account, changes = accounts.read(account_id, history)
    known = None if history is None else list(history)
    for one in arrivals:
        recorded_on = one.recorded_on
        changes += apply(account, one.fact, recorded_on, one.received.event.id, known)
        if known is not None:
            known.append((one.fact, recorded_on))
    return Worked(account, changes)


def _before(accounts: Accounts, account_id: str, arrivals: Sequence[Arrival], past: Sequence[FactRow]) -> History:
    """Stored facts hold this batch's too: each of those is seen only from its own turn on."""
    fresh = {one.key for one in arrivals}
    currency = next((a.fact.currency for a in arrivals if type(a.fact) is Opened), None)
    rows = [row for row in past if row[:3] not in fresh]
    return past_of(rows, currency or accounts.currency(account_id))


async def _age(accounts: Accounts, due: dict[str, Loaded], day: date) -> None:
    def aged(account_id: str, past: Sequence[FactRow] | None) -> Worked:
        history = None if past is None else past_of(past, accounts.currency(account_id))
        account, changes = accounts.read(account_id, history)
        return Worked(account, [*changes, *age(account, day, ageing(day), history)])

    await accounts.write(await accounts.each(due, aged))


def _tell_aged(day: date, tx: Transaction) -> None:
    aged = PortfolioAged(business_date=day, source_shard=tx.shard.partition, source_shards=tx.shards)
    tx.emit_everywhere(aged, subject=day.isoformat())
