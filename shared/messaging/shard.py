"""One shard's loop: read a batch, apply it in one transaction, relay what came out, work, again.

The row in the database is the truth about what is applied. Kafka's position only follows it: after anything
unexpected the shard is acquired anew (next epoch) and the consumer is put back to the row's offsets.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.messaging import halts, metrics, poison, redrive, retry, store
from shared.messaging.feed import Feed, Fetched
from shared.messaging.isolating import bad_data, isolate
from shared.messaging.poison import Limits, Tripped
from shared.messaging.ports import Engine, Rows
from shared.messaging.reach import Bounds, out_of_reach
from shared.messaging.relay import Relay
from shared.messaging.stream import OutboxRow, Received, Refused, ShardId, ShardState, Stream, Work
from shared.messaging.transaction import Fenced, PartitionCounts, Transaction
from shared.runtime.clock import Clock

REACQUIRE_S: Final = 1.0
LOOK_FOR_RESUME_S: Final = 0.5

log = structlog.get_logger()

Confirm = Callable[[AsyncConnection, str, PartitionCounts], Awaitable[None]]
"""Raises when a stream has other shards by now than this process goes by."""


async def _as_it_was(connection: AsyncConnection, stream: str, counts: PartitionCounts) -> None:
    """Where nobody changes shards."""


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
        limits: Limits | None = None,
        confirm: Confirm = _as_it_was,
    ) -> None:
        self.shard = ShardId(stream.name, partition)
        self.state = ShardState(0, 1, {}, {})
        self.work_left = True
        self.redrive_left = False
        self.stopped = False
        self._stream = stream
        self._service = service
        self._engine = engine
        self._rows = rows
        self._feed = feed
        self._relay = relay
        self._counts = counts
        self._clock = clock
        self._limits = limits
        self._confirm = confirm
        self._compared = False
        self._fenced = False
        """Whether another took the shard from us; it may have been right to."""
        self._lost = False
        relay.lost = self._note_lost
        self._waits = retry.backoff_s()

    def progress(self) -> dict[str, Any]:
        """How far this shard is, as committed by this owner."""
        return {
            "offsets": self.state.offsets,
            "emitted": self.state.next_seq - 1,
            "relayed": self._relay.relayed_seq,
            "work": self.work_left,
            "stopped": self.stopped,
        }

    def wake_work(self) -> None:
        """Have the stream's `work` run soon, though no record asked for it."""
        self.work_left = self._stream.work is not None
        self._feed.wake()

    def redrive(self) -> None:
        """There are dead letters of this shard to try again."""
        self.redrive_left = True
        self._feed.wake()

    async def run(self, stop: asyncio.Event) -> None:
        """Acquire and apply until stopped; passing failures are waited out, anything else is raised."""
        try:
            await self._run(stop)
        finally:
            # Whoever owns the shard next says whether it stands still.
            self._mark_stopped(False)

    async def _run(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            try:
                await self._acquire()
                if self.stopped:
                    await self._stand_still(stop)
                else:
                    await self._apply_until(stop)
            except Fenced:
                self._fenced = True
                log.warning("shard_fenced", shard=str(self.shard), epoch=self.state.epoch)
                await retry.sleep_unless(stop, REACQUIRE_S)
            except Exception as error:
                if not retry.is_passing(error):
                    raise
                log.warning("shard_waits", shard=str(self.shard), error=type(error).__name__)
                await retry.sleep_unless(stop, next(self._waits))

    async def _acquire(self) -> None:
        if self._fenced:
            await self._feed.confirm(self.state.offsets)
        told = {} if self._compared else await self._feed.group_offsets()
        async with self._engine.begin() as connection:
            self.state, relayed = await self._rows.acquire(connection, self.shard)
            await self._confirm(connection, self.shard.stream, self._counts)
            self._mark_stopped(self._limits is not None and await halts.is_stopped(connection, self.shard))
        if not self._compared:
            await self._compare(told)
        bounds: Bounds = {}
        if self._limits is not None and not self.stopped:
            bounds = await self._feed.bounds()
            await self._find(bounds)
        self._relay.own(self.state.epoch, relayed, self.state.next_seq - 1)
        self.work_left = self._stream.work is not None
        await self._feed.seek(self.state.offsets, bounds)
        self._fenced = self._lost = False
        log.info("shard_acquired", shard=str(self.shard), epoch=self.state.epoch)

    async def _compare(self, told: Mapping[str, int]) -> None:
        """After a restored backup the row is the truth; but sequences it gives out again would be taken for repeats.

        `told` was asked for before the row was read: Kafka hears of an offset after the row has it, so only a store put
        back to an older state knows less. Asked afterwards, another owner may have gone on meanwhile.
        """
        if any(offset > self.state.offsets.get(topic, 0) for topic, offset in told.items()):
            async with self._engine.begin() as connection:
                self.state.next_seq += await self._rows.skip(connection, self.shard)
            log.error("database_older_than_kafka", shard=str(self.shard), next_seq=self.state.next_seq)
        self._compared = True

    async def _find(self, bounds: Bounds) -> None:
        """Stop where what is to be read next is not there.

        Asked for after the row was acquired: nobody has gone on since. Who resumes the shard has it read from the
        beginning of what is there; facts and watermarks know what was applied before.
        """
        lost = out_of_reach(self.state.offsets, bounds)
        if not lost:
            return
        state, tripped = self.state.copy(), Tripped("topic_out_of_reach", "; ".join(lost.values()))
        state.offsets |= {tp.topic: bounds[tp][0] for tp in lost}
        async with self._engine.begin() as connection:
            if not await self._rows.move(connection, self.shard, state.next_seq, state, ()):
                raise Fenced
            await halts.stop(connection, self.shard, tripped, self._clock.now())
        self.state = state
        self._mark_stopped(True)
        log.error(tripped.reason, shard=str(self.shard), detail=tripped.detail)

    def _mark_stopped(self, stopped: bool) -> None:
        self.stopped = stopped
        metrics.SHARD_STOPPED.labels(str(self.shard)).set(stopped)

    async def _stand_still(self, stop: asyncio.Event) -> None:
        """Neither read nor work until somebody resumes the shard; then it is acquired anew."""
        log.error("shard_stopped", shard=str(self.shard), hint="GET /health/ready says why")
        while self.stopped and not stop.is_set():
            await self._feed.rest(LOOK_FOR_RESUME_S)
            async with self._engine.connect() as connection:
                self._mark_stopped(await halts.is_stopped(connection, self.shard))

    async def _apply_until(self, stop: asyncio.Event) -> None:
        """Until asked to stop, or stopped by what was refused."""
        while not stop.is_set():
            if self._lost:
                raise Fenced
            fetched = await self._feed.next(stop, wait=not (self.work_left or self.redrive_left))
            if fetched.records:
                await self._apply(fetched)
            if self.stopped:
                return
            if self.redrive_left and not stop.is_set():
                self.redrive_left, woken = await self._besides(self._try_queued)
                self.work_left = self._stream.work is not None and (self.work_left or woken)
            if self.work_left and not stop.is_set():
                await self._work()

    def _note_lost(self, epoch: int) -> None:
        """The relay was told so; without records no transaction would find out."""
        if epoch == self.state.epoch:
            self._lost = True
            self._feed.wake()

    async def _apply(self, fetched: Fetched) -> None:
        with metrics.BATCH_SECONDS.labels(self.shard.stream).time():
            try:
                rows = await self._transact(fetched, self._handle)
            except Exception as error:
                if not retry.is_bad_data(error):
                    raise
                log.warning("batch_bisected", shard=str(self.shard), records=len(fetched.records))
                rows = await self._transact(fetched, self._isolate)
        self._waits = retry.backoff_s()
        metrics.RECORDS.labels(self.shard.stream).inc(len(fetched.records))
        self._relay.offer(rows)

    async def _transact(self, fetched: Fetched, handle: Callable[..., Any]) -> list[OutboxRow]:
        """The transaction boundary: handle, then move the row under our epoch with everything that came out, commit.

        The state in memory is what this owner committed last; a row moved by anybody else is seen at the end, and
        nothing is kept.
        """
        state, decoded = self.state.copy(), fetched.records
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
            tripped = self._tripped(decoded, state, tx)
            if tripped is not None:
                await halts.stop(connection, self.shard, tripped, tx.now)
            rows = await tx.finish()
        self.state = state
        self._tell_refused(tx, tripped)
        self.work_left = self._stream.work is not None and (self.work_left or tx.work_woken)
        return rows

    def _tripped(self, decoded: Sequence[Received | Refused], state: ShardState, tx: Transaction) -> Tripped | None:
        if self._limits is None:
            return None
        refused = {id(letter.record) for letter in tx.refused}
        order = [id(one.record) in refused for one in decoded] if refused else []
        return poison.counted(state.counters, len(decoded), order, self._limits)

    def _tell_refused(self, tx: Transaction, tripped: Tripped | None) -> None:
        """What the commit made true about refused records."""
        for letter in tx.refused:
            metrics.REJECTED.labels(self.shard.stream, letter.reason).inc()
        if tripped is not None:
            self._mark_stopped(True)
            log.error("rejection_limit", shard=str(self.shard), reason=tripped.reason, detail=tripped.detail)

    async def _work(self) -> None:
        if self._stream.work is not None:
            more, woken = await self._besides(self._stream.work)
            self.work_left = more or woken

    async def _try_queued(self, tx: Transaction) -> bool:
        return await redrive.try_queued(self._stream.handle, tx)

    async def _besides(self, step: Work) -> tuple[bool, bool]:
        """A transaction that no record asked for, under the same row: whether more is left, whether it woke work."""
        state = self.state.copy()
        rows: list[OutboxRow] = []
        async with self._engine.begin() as connection:
            tx = self._transaction(connection, state, ())
            more = await step(tx)
            # Looking and finding nothing to do costs no write, and so no wait for the disk.
            if not tx.is_empty or await self._rows.wrote(connection):
                rows = await tx.finish()
        self.state = state
        self._relay.offer(rows)
        return more, tx.work_woken

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

    async def _isolate(self, events: Sequence[Received], tx: Transaction) -> None:
        await isolate(self._stream.handle, events, tx, bad_data)
