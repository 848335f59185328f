"""The loop broken on purpose, one rule at a time: the simulation has to find each.

Each class leaves out one thing the real one does; nothing else differs.
"""

import asyncio
from collections.abc import Sequence
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from shared.messaging.publisher import Publisher, _append
from shared.messaging.relay import Relay
from shared.messaging.shard import ShardLoop
from shared.messaging.stream import OutboxRow, Received, Refused, ShardId, ShardState
from shared.messaging.transaction import Fenced, Transaction
from tests.simulation.store import SimulatedRows, _session
from tests.simulation.world import Parts


class RowsWithoutEpoch(SimulatedRows):
    """The shard's row may be moved under any epoch and sequence."""

    def _is_other(self, committed: ShardState, epoch: int, had_seq: int) -> bool:
        return False


class Unfenced(Parts):
    """No fencing in the store."""

    rows = RowsWithoutEpoch


class CommitsAnyway(Transaction):
    """Overhears that the row was not moved."""

    async def finish(self) -> list[OutboxRow]:
        try:
            return await super().finish()
        except Fenced:
            return []


class LoopThatCommitsAnyway(ShardLoop):
    def _transaction(self, connection: Any, state: ShardState, decoded: Sequence[Received | Refused]) -> Transaction:
        return CommitsAnyway(connection, self._service, self.shard, state, self._counts, self._clock.now(), self._rows)


class Deaf(Parts):
    """The store fences, nobody listens."""

    shard_loop = LoopThatCommitsAnyway


class LoopWithoutWatermark(ShardLoop):
    def _unseen(self, decoded: Sequence[Received | Refused], state: ShardState, tx: Transaction) -> list[Received]:
        had = dict(state.watermarks)
        state.watermarks.clear()
        try:
            return super()._unseen(decoded, state, tx)
        finally:
            state.watermarks |= had


class NoWatermark(Parts):
    """What a relay repeats is applied again."""

    shard_loop = LoopWithoutWatermark


class EagerPublisher(Publisher):
    """Sends on before the last batch of a partition was acknowledged."""

    async def publish(self, service: str, shard: ShardId, rows: Sequence[OutboxRow]) -> None:
        producer = await self._ready()
        source = f"{service}.{shard}".encode()
        sends = []
        for row in rows:
            batch = producer.create_batch()
            _append(batch, row, source)
            sends.append(await producer.send_batch(batch, row.topic, partition=row.to_partition))
        results = await asyncio.gather(*sends, return_exceptions=True)
        if failed := [one for one in results if isinstance(one, BaseException)]:
            await self._discard(producer)
            raise failed[0]


class Unordered(Parts):
    """The outbox goes out without waiting for what went before."""

    publisher = EagerPublisher


class RelayThatNotesFirst(Relay):
    """Notes rows as relayed before Kafka has them."""

    async def _next_rows(self) -> list[OutboxRow]:
        rows = await super()._next_rows()
        if rows:
            await self._rows.advance_relay(self._engine, self.shard, self._epoch, rows[-1].seq)
        return rows


class NotedFirst(Parts):
    """A relay that dies in between loses rows."""

    relay = RelayThatNotesFirst


class LoopThatDoesNotSeek(ShardLoop):
    async def _acquire(self) -> None:
        """Stays where the consumer happens to be when it acquires a shard for the second time."""
        if self.state.epoch == 0:
            await super()._acquire()
            return
        async with self._engine.begin() as connection:
            self.state, relayed = await self._rows.acquire(connection, self.shard)
        self._relay.own(self.state.epoch, relayed, self.state.next_seq - 1)


class NoSeek(Parts):
    """After a failure the shard goes on with the next batch instead of the same."""

    shard_loop = LoopThatDoesNotSeek


class RowsThatForgetTheOutbox(SimulatedRows):
    """Offsets and state commit, the outgoing events in a second transaction that may not come."""

    async def move(
        self, connection: AsyncConnection, shard: ShardId, had_seq: int, state: ShardState, rows: Sequence[OutboxRow]
    ) -> bool:
        moved = await super().move(connection, shard, had_seq, state, rows)
        session = _session(connection)
        if moved and session.life.chance.random() < 0.05:
            session.changes.appended[shard] = []
        return moved


class TwoCommits(Parts):
    """The outbox is not in the transaction."""

    rows = RowsThatForgetTheOutbox


BROKEN: dict[str, type[Parts]] = {
    "fencing": Unfenced,
    "fencing unheard": Deaf,
    "watermark": NoWatermark,
    "outbox order": Unordered,
    "relay notes first": NotedFirst,
    "no seek": NoSeek,
    "outbox apart": TwoCommits,
}
