"""One shard's loop: read a batch, apply it in one transaction, relay what came out, work, again.

The row in the database is the truth about what is applied. Kafka's position only follows it: after anything
unexpected the shard is acquired anew (next epoch) and the consumer is put back to the row's offsets.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, Final

import structlog

from shared.contracts.envelope import decode
from shared.contracts.topics import BY_NAME
from shared.messaging import metrics, retry, store
from shared.messaging.feed import Feed, Fetched
from shared.messaging.ports import Engine, Rows
from shared.messaging.relay import Relay
from shared.messaging.stream import OutboxRow, Received, Record, Refused, ShardId, ShardState, Stream, source_of
from shared.messaging.transaction import Fenced, PartitionCounts, Transaction
from shared.runtime.clock import Clock
from shared.vocabulary.errors import Rejected

REACQUIRE_S: Final = 1.0
YIELD_EVERY: Final = 500
"""Records decoded between two breaths of the event loop, so that heartbeats go out."""

log = structlog.get_logger()


class ShardLoop:
    """Runs one shard for as long as this member is assigned it."""

    def __init__(
        self,
        stream: Stream,
        partition: int,
        *,
        service: str,
        engine: Engine,
        feed: Feed,
        relay: Relay,
        counts: PartitionCounts,
        clock: Clock,
        rows: Rows = store,
    ) -> None:
        self.shard = ShardId(stream.name, partition)
        self.state = ShardState(0, 1, {}, {})
        self.work_left = True
        self._stream = stream
        self._service = service
        self._engine = engine
        self._rows = rows
        self._feed = feed
        self._relay = relay
        self._counts = counts
        self._clock = clock
        self._waits = retry.backoff_s()

    def progress(self) -> dict[str, Any]:
        """How far this shard is, as committed by this owner."""
        return {
            "offsets": self.state.offsets,
            "emitted": self.state.next_seq - 1,
            "relayed": self._relay.relayed_seq,
            "work": self.work_left,
        }

    def wake_work(self) -> None:
        """Have the stream's `work` run soon, though no record asked for it."""
        self.work_left = self._stream.work is not None
        self._feed.wake()

    async def run(self, stop: asyncio.Event) -> None:
        """Acquire and apply until stopped; passing failures are waited out, anything else is raised."""
        while not stop.is_set():
            try:
                await self._acquire()
                await self._apply_until(stop)
            except Fenced:
                log.warning("shard_fenced", shard=str(self.shard), epoch=self.state.epoch)
                await retry.sleep_unless(stop, REACQUIRE_S)
            except Exception as error:
                if not retry.is_passing(error):
                    raise
                log.warning("shard_waits", shard=str(self.shard), error=type(error).__name__)
                await retry.sleep_unless(stop, next(self._waits))

    async def _acquire(self) -> None:
        async with self._engine.begin() as connection:
            self.state, relayed = await self._rows.acquire(connection, self.shard)
        self._relay.own(self.state.epoch, relayed, self.state.next_seq - 1)
        self.work_left = self._stream.work is not None
        await self._feed.seek(self.state.offsets)
        log.info("shard_acquired", shard=str(self.shard), epoch=self.state.epoch)

    async def _apply_until(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            fetched = await self._feed.next(stop, wait=not self.work_left)
            if fetched.records:
                await self._apply(fetched)
            if self.work_left and not stop.is_set():
                await self._work()

    async def _apply(self, fetched: Fetched) -> None:
        decoded = await self._decode(fetched.records)
        with metrics.BATCH_SECONDS.labels(self.shard.stream).time():
            try:
                rows = await self._transact(fetched, decoded, self._handle)
            except Exception as error:
                if not retry.is_bad_data(error):
                    raise
                log.warning("batch_bisected", shard=str(self.shard), records=len(decoded))
                rows = await self._transact(fetched, decoded, self._bisect)
        self._waits = retry.backoff_s()
        metrics.RECORDS.labels(self.shard.stream).inc(len(decoded))
        self._relay.offer(rows)

    async def _decode(self, records: Sequence[Record]) -> list[Received | Refused]:
        decoded: list[Received | Refused] = []
        for index, record in enumerate(records, 1):
            decoded.append(_decoded(record))
            if index % YIELD_EVERY == 0:
                await asyncio.sleep(0)
        return decoded

    async def _transact(
        self, fetched: Fetched, decoded: Sequence[Received | Refused], handle: Callable[..., Any]
    ) -> list[OutboxRow]:
        """The transaction boundary: handle, then move the row under our epoch with everything that came out, commit.

        The state in memory is what this owner committed last; a row moved by anybody else is seen at the end, and
        nothing is kept.
        """
        state = self.state.copy()
        if any(state.offsets.get(topic, 0) != offset for topic, offset in fetched.first.items()):
            log.warning("shard_offsets_moved", shard=str(self.shard))
            raise Fenced
        async with self._engine.begin() as connection:
            tx = self._transaction(connection, state, decoded)
            fresh = self._unseen(decoded, state, tx)
            if fresh:
                await handle(fresh, tx)
            state.offsets.update(fetched.following)
            tx.count("records", len(decoded))
            rows = await tx.finish()
        self.state = state
        self.work_left = self._stream.work is not None and (self.work_left or tx.work_woken)
        return rows

    async def _work(self) -> None:
        work = self._stream.work
        if work is None:
            return
        state = self.state.copy()
        rows: list[OutboxRow] = []
        async with self._engine.begin() as connection:
            tx = self._transaction(connection, state, ())
            more = await work(tx)
            # Looking and finding nothing to do costs no write, and so no wait for the disk.
            if not tx.is_empty or await self._rows.wrote(connection):
                rows = await tx.finish()
        self.state, self.work_left = state, more or tx.work_woken
        self._relay.offer(rows)

    def _transaction(self, connection: Any, state: ShardState, decoded: Sequence[Received | Refused]) -> Transaction:
        for one in decoded:
            if isinstance(one, Received) and (one.source_shard or one.record.topic in self._stream.broadcast):
                self._clock.observe(one.event.time)
        return Transaction(connection, self._service, self.shard, state, self._counts, self._clock.now(), self._rows)

    def _unseen(self, decoded: Sequence[Received | Refused], state: ShardState, tx: Transaction) -> list[Received]:
        """What the watermarks have not seen (a relay that repeats itself is dropped here) and could be decoded."""
        fresh = []
        for one in decoded:
            if one.source_shard is not None:
                lane = f"{one.record.topic}|{one.source_shard}"
                if one.source_seq <= state.watermarks.get(lane, 0):
                    tx.count("repeated", 1)
                    continue
                state.watermarks[lane] = one.source_seq
            if isinstance(one, Received):
                fresh.append(one)
            elif self.shard.partition == 0 or one.record.topic not in self._stream.broadcast:
                # Every shard reads a broadcast record; one of them says that it is wrong.
                tx.dead_letter(one.record, one.refusal.reason, one.refusal.detail)
        return fresh

    async def _handle(self, events: Sequence[Received], tx: Transaction) -> None:
        await self._stream.handle(events, tx)

    async def _bisect(self, events: Sequence[Received], tx: Transaction) -> None:
        """Halve what the database refuses until the culprit is alone; it is dead-lettered, the rest is kept."""
        mark = tx.mark()
        try:
            async with tx.connection.begin_nested():
                await self._stream.handle(events, tx)
        except Exception as error:
            if not retry.is_bad_data(error):
                raise
            tx.rewind(mark)
            if len(events) == 1:
                tx.reject(events[0], "database_refused", _refused_detail(error))
                return
            middle = len(events) // 2
            await self._bisect(events[:middle], tx)
            await self._bisect(events[middle:], tx)


def _refused_detail(error: BaseException) -> str:
    """The kind of refusal only: the driver's text may quote the value."""
    original = getattr(error, "orig", None) or error
    return f"the database refused a value of this event ({type(original.__cause__ or original).__name__})"


def _decoded(record: Record) -> Received | Refused:
    # Core banking's records carry no sequence of ours, whatever their headers say.
    ours = record.headers and BY_NAME[record.topic].publisher != "core"
    source, seq = source_of(record.headers) if ours else (None, 0)
    try:
        # Our own records are always in structured mode: their headers need no second look.
        event = decode(record.topic, record.value, () if source else record.headers)
    except Rejected as refusal:
        return Refused(record, refusal, source, seq)
    return Received(event, record, source, seq)
