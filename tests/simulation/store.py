"""A transactional store in memory, as far as the loop can tell PostgreSQL from it at READ COMMITTED.

Writes are private until the commit, a shard's row is locked from its change to the end of the transaction, and a
statement that waited for a lock sees what was committed meanwhile. Held to the same contract as PostgreSQL in
tests/contract/messaging. `cells` stand for the handlers' own tables.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Hashable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, cast

from sqlalchemy.ext.asyncio import AsyncConnection

from shared.messaging.dead_letters import DeadLetter
from shared.messaging.ports import Engine
from shared.messaging.stream import OutboxRow, ShardId, ShardState
from tests.simulation.life import Life

Place = tuple[str, str, int, int]
"""A dead letter's: stream, topic, partition, offset."""


class Refused(Exception):  # noqa: N818  named as what the store does
    """The store refuses a value, with PostgreSQL's code for a number out of range."""

    sqlstate = "22003"


@dataclass
class Changes:
    """What one transaction wrote so far."""

    cells: dict[Hashable, Any] = field(default_factory=dict)
    acquired: dict[ShardId, ShardState] = field(default_factory=dict)
    relays: dict[ShardId, tuple[int, int]] = field(default_factory=dict)
    moved: dict[ShardId, ShardState] = field(default_factory=dict)
    appended: dict[ShardId, list[OutboxRow]] = field(default_factory=dict)
    letters: dict[Place, str] = field(default_factory=dict)

    def copy(self) -> "Changes":
        """For a savepoint."""
        return Changes(*(dict(one) for one in vars(self).values()))

    @property
    def any(self) -> bool:
        return any(vars(self).values())


class Memory:
    """What is committed, and who waits for what."""

    def __init__(self) -> None:
        self.shards: dict[ShardId, ShardState] = {}
        self.relays: dict[ShardId, tuple[int, int]] = {}
        self.outbox: dict[ShardId, list[OutboxRow]] = {}
        self.letters: dict[Place, str] = {}
        self.cells: dict[Hashable, Any] = {}
        self.reachable = True
        self.watch: Callable[[Changes], None] = lambda _: None
        """Sees each transaction in the moment of its commit, before it takes effect."""
        self.open: list[Session] = []
        self.locks: dict[Hashable, asyncio.Lock] = {}

    def commit(self, changes: Changes) -> None:
        """All of it, at once."""
        self.watch(changes)
        self.shards |= changes.acquired | changes.moved
        self.relays |= changes.relays
        for shard, rows in changes.appended.items():
            self.outbox.setdefault(shard, []).extend(rows)
        self.letters = changes.letters | self.letters
        self.cells |= changes.cells

    def end_sessions(self, of: Life | None = None) -> None:
        """Roll back what is open, as the server does when a client is gone or it goes itself."""
        for session in [one for one in self.open if of is None or one.life is of]:
            session.lose()


class Session:
    """One connection: a transaction, or reads of what is committed."""

    def __init__(self, memory: Memory, life: Life) -> None:
        self.life = life
        self.changes = Changes()
        self._memory = memory
        self._lost = False
        self._held: list[asyncio.Lock] = []

    async def call(self) -> None:
        """One round trip; ConnectionResetError when the server or the session is gone."""
        await self.life.reach()
        self._check()

    def _check(self) -> None:
        if self._lost or not self._memory.reachable:
            raise ConnectionResetError("the connection is gone")

    def lose(self) -> None:
        """The server gives the session up."""
        self._lost = True
        self.release()

    def release(self) -> None:
        while self._held:
            self._held.pop().release()

    async def lock(self, row: Hashable) -> None:
        """Until the end of the transaction."""
        lock = self._memory.locks.setdefault(row, asyncio.Lock())
        if lock in self._held:
            return
        await lock.acquire()
        if self._lost:
            lock.release()
            raise ConnectionResetError("the connection is gone")
        self._held.append(lock)

    async def commit(self) -> None:
        """Unlike everything else, this may happen and still not be heard of."""
        trap = None
        if self.changes.moved:
            trap = self.life.trapped("die_before_commit", "lose_before_commit", "die_after_commit", "lose_after_commit")
        await self.call()
        if trap == "die_before_commit":
            self.life.end()
        elif trap == "lose_before_commit":
            self.lose()
        await self.life.back()
        self._check()
        self._memory.commit(self.changes)
        self.release()
        if trap == "die_after_commit":
            self.life.end()
        elif trap == "lose_after_commit":
            raise ConnectionResetError("no answer to COMMIT")
        await self.life.back()

    async def get(self, key: Hashable) -> Any:
        """A cell as this transaction sees it; None when there is none."""
        return self.changes.cells.get(key, self._memory.cells.get(key))

    async def put(self, key: Hashable, value: Any) -> None:
        self.changes.cells[key] = value

    @asynccontextmanager
    async def begin_nested(self) -> AsyncIterator[None]:
        """A savepoint."""
        saved = self.changes.copy()
        try:
            yield
        except BaseException:
            self.changes = saved
            raise


class SimulatedEngine:
    """The engine of one life."""

    def __init__(self, memory: Memory, life: Life) -> None:
        self._memory = memory
        self._life = life

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[AsyncConnection]:
        async with self._session() as session:
            yield cast(AsyncConnection, session)
            await session.commit()

    @asynccontextmanager
    async def connect(self) -> AsyncIterator[AsyncConnection]:
        async with self._session() as session:
            yield cast(AsyncConnection, session)

    @asynccontextmanager
    async def _session(self) -> AsyncIterator[Session]:
        session = Session(self._memory, self._life)
        await session.call()
        self._memory.open.append(session)
        try:
            yield session
        finally:
            session.release()
            self._memory.open.remove(session)


class SimulatedRows:
    """The statements of `shared.messaging.store`, on a Session."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory

    async def acquire(self, connection: AsyncConnection, shard: ShardId) -> tuple[ShardState, int]:
        session = _session(connection)
        await session.call()
        await session.lock(shard)
        had = self._memory.shards.get(shard, ShardState(0, 1, {}, {}))
        state = had.copy()
        state.epoch += 1
        session.changes.acquired[shard] = state.copy()
        await session.call()
        await session.lock(("relay", shard))
        _, relayed = self._memory.relays.get(shard, (0, 0))
        session.changes.relays[shard] = (state.epoch, relayed)
        await session.life.back()
        return state, relayed

    async def move(
        self, connection: AsyncConnection, shard: ShardId, had_seq: int, state: ShardState, rows: Sequence[OutboxRow]
    ) -> bool:
        session = _session(connection)
        await session.call()
        await session.lock(shard)
        if self._is_other(self._memory.shards[shard], state.epoch, had_seq):
            return False
        session.changes.moved[shard] = state.copy()
        session.changes.appended[shard] = list(rows)
        await session.life.back()
        return True

    def _is_other(self, committed: ShardState, epoch: int, had_seq: int) -> bool:
        return (committed.epoch, committed.next_seq) != (epoch, had_seq)

    async def wrote(self, connection: AsyncConnection) -> bool:
        return _session(connection).changes.any

    async def keep_letters(
        self, connection: AsyncConnection, shard: ShardId, letters: Sequence[DeadLetter], now: datetime
    ) -> None:
        session = _session(connection)
        await session.call()
        for letter in letters:
            record = letter.record
            place = (shard.stream, record.topic, record.partition, record.offset)
            session.changes.letters.setdefault(place, letter.reason)

    async def read_outbox(
        self, connection: AsyncConnection, shard: ShardId, after: int, rows_max: int
    ) -> list[OutboxRow]:
        session = _session(connection)
        await session.call()
        found = [row for row in self._memory.outbox.get(shard, ()) if row.seq > after]
        await session.life.back()
        return found[:rows_max]

    async def skip(self, connection: AsyncConnection, shard: ShardId) -> int:
        raise NotImplementedError("no backup is restored here")

    async def advance_relay(self, engine: Engine, shard: ShardId, epoch: int, seq: int) -> bool:
        async with engine.connect() as connection:
            session = _session(connection)
            await session.lock(("relay", shard))
            had_epoch, relayed = self._memory.relays[shard]
            if had_epoch == epoch and relayed < seq:
                self._memory.relays[shard] = (epoch, seq)
            await session.life.back()
            return had_epoch == epoch


def _session(connection: AsyncConnection) -> Session:
    return cast(Session, connection)
