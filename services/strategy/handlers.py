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
from services.strategy.store import Asked, Seen
from shared.contracts.delinquency import PortfolioAged
from shared.contracts.outcomes import PromiseMade
from shared.messaging import Received, Transaction
from shared.vocabulary.errors import Rejected


class Handlers:
    """The use cases of strategy over one book of strategies."""

    def __init__(self, book: StrategyBook, decisions_max: int) -> None:
        self._book = book
        self._at_day_end = [one.name for one in book.strategies.values() if one.decide == "at_day_end"]
        self._decisions_max = decisions_max

    async def handle(self, batch: Sequence[Received], tx: Transaction) -> None:
        """One batch of statuses and outcomes, cut where a day becomes complete."""
        batch = [received for received in batch if translate.is_read(received.data)]
        if not batch:
            return
        seen = await self._look(batch, tx)
        days: dict[date, Day] = seen.days
        known: dict[str, Loaded] | None = seen.customers
        for day in [day for day in days.values() if day.due]:
            await self._decide_day(day, tx)
            days[day.business_date], known = day.decide(), None
        begun = 0
        touched: dict[date, Day] = {}
        for position, received in enumerate(batch):
            if type(received.data) is not PortfolioAged:
                continue
            day = _aged(days, received.data)
            if day == days.get(day.business_date):
                continue
            touched[day.business_date] = days[day.business_date] = day
            if day.due:
                await self._learn(batch[begun:position], known, tx)
                begun = position + 1
                await self._close_day(touched.pop(day.business_date), tx, last=begun == len(batch))
                days[day.business_date], known = day.decide(), None
        await self._learn(batch[begun:], known, tx, touched.values())

    async def work(self, tx: Transaction) -> bool:
        """One chunk of the oldest complete day's decisions; True when more may be left."""
        due = await store.due_day(tx.connection, tx.shard.partition)
        if due is None:
            return False
        await self._decide_chunk(due, tx)
        return True

    async def place_hold(self, customer_id: str, wanted: HoldWanted, tx: Transaction) -> str:
        """Stop treating a known customer; the hold's id."""
        one = await self._known(customer_id, tx)
        raised = react(one.customer, wanted, tx.now, self._book)
        await _save([one], raised, tx)
        return next(event.hold.hold_id for event in raised if isinstance(event, HoldSet))

    async def release_hold(self, customer_id: str, lifted: HoldLifted, tx: Transaction) -> None:
        """Lift a hold; one that is lifted already stays so."""
        one = await self._known(customer_id, tx)
        if lifted.hold_id not in one.customer.holds:
            raise Rejected("hold_not_found", "this customer has no hold of that id")
        await _save([one], react(one.customer, lifted, tx.now, self._book), tx)

    async def _look(self, batch: Iterable[Received], tx: Transaction) -> Seen:
        return await store.look(tx.connection, tx.shard.partition, _asked(batch), self._at_day_end)

    async def _known(self, customer_id: str, tx: Transaction) -> Loaded:
        if not await store.lock(tx.connection, customer_id):
            raise Rejected("case_not_found", "this customer never had a case")
        asked = Asked(customers={customer_id})
        seen = await store.look(tx.connection, tx.shard.partition, asked, self._at_day_end)
        return seen.customers[customer_id]

    async def _learn(
        self, batch: Sequence[Received], known: dict[str, Loaded] | None, tx: Transaction, days: Iterable[Day] = ()
    ) -> None:
        """Fold what concerns customers; `known` is what was seen of them, None when it has to be looked up again."""
        batch = [received for received in batch if type(received.data) is not PortfolioAged]
        if known is None:
            known = (await self._look(batch, tx)).customers if batch else {}
        raised: list[Raised] = []
        for received in batch:
            data = received.data
            one = known.get(data.customer_id)
            if one is None:
                if not translate.makes_known(data):
                    continue
                one = known[data.customer_id] = Loaded.new(data.customer_id, tx.shard.partition)
            raised += react(one.customer, translate.fact_of(data), tx.now, self._book)
        await _save(known.values(), raised, tx, days)

    async def _close_day(self, day: Day, tx: Transaction, *, last: bool) -> None:
        """Decide a day that has just become complete: at once where more follows, else leave a large rest to `work`."""
        if not last:
            await self._decide_day(day, tx)
        elif await self._decide_chunk(day, tx):
            tx.wake_work()

    async def _decide_day(self, day: Day, tx: Transaction) -> None:
        while await self._decide_chunk(day, tx):
            pass

    async def _decide_chunk(self, day: Day, tx: Transaction) -> bool:
        """Decide on the next due customers of a complete day; True when there may be more of them."""
        on = day.business_date
        due = await store.look_at_due(tx.connection, tx.shard.partition, on, self._decisions_max)
        raised = [event for one in due for event in end_day(one.customer, on, tx.now, self._book)]
        more = len(due) == self._decisions_max
        await _save(due, raised, tx, [day if more else day.decide()])
        return more


def _aged(days: dict[date, Day], aged: PortfolioAged) -> Day:
    known = days.get(aged.business_date) or Day(aged.business_date, aged.source_shards)
    return known.aged(aged.source_shard)


def _asked(batch: Iterable[Received]) -> Asked:
    """What has to be known for a batch."""
    asked = Asked()
    for received in batch:
        data = received.data
        if type(data) is PortfolioAged:
            asked.dates.add(data.business_date)
            continue
        asked.customers.add(data.customer_id)
        if type(data) is PromiseMade:
            earliest = asked.promised.get(data.customer_id, data.promised_on)
            asked.promised[data.customer_id] = min(earliest, data.promised_on)
        elif translate.is_news(data):
            asked.contacts.add(data.contact_id)
    return asked


async def _save(loaded: Iterable[Loaded], raised: Iterable[Raised], tx: Transaction, days: Iterable[Day] = ()) -> None:
    await store.save(tx.connection, changes(loaded, days, tx.shard.partition))
    for one in raised:
        for event in translate.events_of(one, tx.now):
            tx.emit(event, subject=event.customer_id, key=event.customer_id)
