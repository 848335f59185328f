"""What strategy does with a batch and with a day: claim, load, decide, save.

A day's decisions see exactly what was folded before the day was complete: what follows it in the batch, or comes in
the next one, waits until they are made. So it does not matter how the input is cut into batches.
"""

from collections.abc import Iterable, Sequence
from datetime import date

from services.strategy import store, translate
from services.strategy.changes import Loaded, changes
from services.strategy.domain.day import Day
from services.strategy.domain.facts import HoldLifted, HoldWanted
from services.strategy.domain.raised import HoldSet, Raised
from services.strategy.domain.react import react
from services.strategy.domain.settle import end_day
from services.strategy.domain.strategy import StrategyBook
from shared.contracts.delinquency import PortfolioAged
from shared.contracts.outcomes import ContactEvent, PromiseMade
from shared.messaging import Received, Transaction
from shared.vocabulary.errors import Rejected


class Handlers:
    """The use cases of strategy over one book of strategies."""

    def __init__(self, book: StrategyBook, decisions_max: int) -> None:
        self._book = book
        self._decisions_max = decisions_max

    async def handle(self, batch: Sequence[Received], tx: Transaction) -> None:
        """One batch of statuses and outcomes, cut where a day becomes complete."""
        dates = [received.data.business_date for received in batch if isinstance(received.data, PortfolioAged)]
        days = await store.days(tx.connection, tx.shard.partition, dates)
        for day in [day for day in days.values() if day.due]:
            await self._decide_day(day, tx)
            days[day.business_date] = day.decide()
        begun = 0
        touched: dict[date, Day] = {}
        for position, received in enumerate(batch):
            if not isinstance(received.data, PortfolioAged):
                continue
            day = _aged(days, received.data)
            touched[day.business_date] = days[day.business_date] = day
            if day.due:
                await self._learn(batch[begun:position], tx)
                begun = position + 1
                await self._close_day(touched.pop(day.business_date), tx, last=begun == len(batch))
                days[day.business_date] = day.decide()
        await self._learn(batch[begun:], tx)
        if touched:
            await store.save_days(tx.connection, tx.shard.partition, list(touched.values()))

    async def work(self, tx: Transaction) -> bool:
        """One chunk of the oldest complete day's decisions; True when more may be left."""
        days = await store.days(tx.connection, tx.shard.partition)
        due = next((day for day in days.values() if day.due), None)
        if due is None:
            return False
        await self._decide_chunk(due, tx)
        return True

    async def place_hold(self, customer_id: str, wanted: HoldWanted, tx: Transaction) -> str:
        """Stop treating a known customer; the hold's id."""
        one = await _known(customer_id, tx)
        raised = react(one.customer, wanted, tx.now, self._book)
        await _save([one], raised, tx)
        return next(event.hold.hold_id for event in raised if isinstance(event, HoldSet))

    async def release_hold(self, customer_id: str, lifted: HoldLifted, tx: Transaction) -> None:
        """Lift a hold; one that is lifted already stays so."""
        one = await _known(customer_id, tx)
        if lifted.hold_id not in one.customer.holds:
            raise Rejected("hold_not_found", "this customer has no hold of that id")
        await _save([one], react(one.customer, lifted, tx.now, self._book), tx)

    async def _learn(self, batch: Sequence[Received], tx: Transaction) -> None:
        batch = [received for received in batch if hasattr(received.data, "customer_id")]
        if not batch:
            return
        customers = await _customers_of(batch, tx)
        raised: list[Raised] = []
        for received in batch:
            customer_id = received.data.customer_id
            known = customers.get(customer_id)
            if known is None:
                if not translate.makes_known(received.data):
                    continue
                known = customers[customer_id] = Loaded.new(customer_id, tx.shard.partition)
            fact = translate.fact_of(received.data)
            if fact is not None:
                raised += react(known.customer, fact, tx.now, self._book)
        await _save(customers.values(), raised, tx)

    async def _close_day(self, day: Day, tx: Transaction, *, last: bool) -> None:
        """Decide a day that has just become complete: at once where more follows, else leave a large rest to `work`."""
        await store.save_days(tx.connection, tx.shard.partition, [day])
        if last:
            if await self._decide_chunk(day, tx):
                tx.wake_work()
        else:
            await self._decide_day(day, tx)

    async def _decide_day(self, day: Day, tx: Transaction) -> None:
        while await self._decide_chunk(day, tx):
            pass

    async def _decide_chunk(self, day: Day, tx: Transaction) -> bool:
        """Decide on the next due customers of a complete day; True when there may be more of them."""
        on, partition = day.business_date, tx.shard.partition
        locked = await store.lock_due(tx.connection, partition, on, self._decisions_max)
        loaded = await store.load(tx.connection, locked)
        raised = [event for one in loaded for event in end_day(one.customer, on, tx.now, self._book)]
        await _save(loaded, raised, tx)
        if len(locked) == self._decisions_max:
            return True
        await store.save_days(tx.connection, partition, [day.decide()])
        return False


def _aged(days: dict[date, Day], aged: PortfolioAged) -> Day:
    known = days.get(aged.business_date) or Day(aged.business_date, aged.source_shards)
    return known.aged(aged.source_shard)


async def _customers_of(batch: Sequence[Received], tx: Transaction) -> dict[str, Loaded]:
    """The customers of a batch that strategy knows; all others cost this one look."""
    ids = sorted({received.data.customer_id for received in batch})
    locked = await store.lock_customers(tx.connection, ids)
    promised: dict[str, date] = {}
    contacts = []
    for received in batch:
        data = received.data
        if isinstance(data, PromiseMade):
            earliest = promised.get(data.customer_id, data.promised_on)
            promised[data.customer_id] = min(earliest, data.promised_on)
        elif isinstance(data, ContactEvent):
            contacts.append(data.contact_id)
    loaded = await store.load(tx.connection, locked, promised=promised, contacts=contacts)
    return {one.customer.customer_id: one for one in loaded}


async def _known(customer_id: str, tx: Transaction) -> Loaded:
    found = await store.load(tx.connection, await store.lock_customers(tx.connection, [customer_id]))
    if not found:
        raise Rejected("case_not_found", "this customer never had a case")
    return found[0]


async def _save(loaded: Iterable[Loaded], raised: Iterable[Raised], tx: Transaction) -> None:
    await store.save(tx.connection, changes(loaded))
    for one in raised:
        for event in translate.events_of(one, tx.now):
            tx.emit(event, subject=event.customer_id, key=event.customer_id)
