"""What the loop asks of its store, apart from PostgreSQL: so that a whole system can run on a simulated one.

The broker's port is aiokafka's own consumer and producer, of which the loop uses a few methods; the clock's is
`shared.runtime.clock.Clock`. `shared.messaging.store` is the store everybody runs on.
"""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Protocol

from sqlalchemy.ext.asyncio import AsyncConnection

from shared.messaging.dead_letters import DeadLetter
from shared.messaging.stream import OutboxRow, ShardId, ShardState


class Engine(Protocol):
    """Where connections come from."""

    def begin(self) -> AbstractAsyncContextManager[AsyncConnection]:
        """A transaction: committed at the end of the block, rolled back by an exception in it."""

    def connect(self) -> AbstractAsyncContextManager[AsyncConnection]:
        """A connection whose reads see what is committed."""


class Rows(Protocol):
    """The statements on a shard's row, its outbox and its dead letters."""

    async def acquire(self, connection: AsyncConnection, shard: ShardId) -> tuple[ShardState, int]:
        """Take the shard's next epoch; its state and the last relayed sequence."""

    async def move(
        self, connection: AsyncConnection, shard: ShardId, had_seq: int, state: ShardState, rows: Sequence[OutboxRow]
    ) -> bool:
        """Write state and outgoing records; False, and nothing written, under another epoch or sequence.

        From here to the end of the transaction nobody else can acquire or move the row.
        """

    async def wrote(self, connection: AsyncConnection) -> bool:
        """Whether the transaction has changed anything so far."""

    async def keep_letters(
        self, connection: AsyncConnection, shard: ShardId, letters: Sequence[DeadLetter], now: datetime
    ) -> None:
        """Keep refused records; each place once."""

    async def read_outbox(
        self, connection: AsyncConnection, shard: ShardId, after: int, rows_max: int
    ) -> list[OutboxRow]:
        """Committed outgoing records after a sequence, in order."""

    async def skip(self, connection: AsyncConnection, shard: ShardId) -> int:
        """Pass over that many sequences, which may be in Kafka already: the store was put back to an older state."""

    async def advance_relay(self, engine: Engine, shard: ShardId, epoch: int, seq: int) -> bool:
        """Note what Kafka has acknowledged, unless it is noted; False, and no effect, for an older epoch."""
