"""The one transaction a handler works in: state, outgoing events and dead letters commit together or not at all."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Final

import orjson
from aiokafka.partitioner import murmur2
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.contracts.envelope import PAYLOAD_BYTES_MAX, encode
from shared.contracts.fields import Contract
from shared.contracts.topics import TOPIC_OF
from shared.messaging import store
from shared.messaging.dead_letters import DeadLetter
from shared.messaging.ports import Rows
from shared.messaging.stream import OutboxRow, Received, Record, ShardId, ShardState

KEY_BYTES_MAX: Final = 1_024
DETAIL_CHARACTERS_MAX: Final = 1_000

PartitionCounts = Mapping[str, int]
"""Topic -> number of partitions, as Kafka has them."""


class Fenced(Exception):  # noqa: N818  a state to act on, not a failure
    """Another member holds the shard under a newer epoch; nothing may be committed."""


@lru_cache(maxsize=65_536)
def partition_of(key: bytes, partitions: int) -> int:
    """Kafka's default partition of a key (murmur2, as the Java client)."""
    hashed: int = murmur2(key)
    return (hashed & 0x7FFFFFFF) % partitions


class Transaction:
    """What a handler may do besides its own SQL on `connection`.

    `now` is one instant for the whole transaction. `state` is the shard's row as committed last; it is changed here
    and written by `finish`, provided that nobody else has moved the row: so sequences are gapless, in commit order.
    """

    def __init__(
        self,
        connection: AsyncConnection,
        service: str,
        shard: ShardId,
        state: ShardState,
        counts: PartitionCounts,
        now: datetime,
        rows: Rows = store,
    ) -> None:
        self.connection = connection
        self.shard = shard
        self.now = now
        self.work_woken = False
        self._source = f"{service}.{shard}"
        self._state = state
        self._rows = rows
        self._counts = counts
        self._outbox: list[OutboxRow] = []
        self._letters: list[DeadLetter] = []
        self._counters: Counter[str] = Counter()

    @property
    def shards(self) -> int:
        """How many shards this shard's stream has (commands have one)."""
        return self._counts.get(f"stream:{self.shard.stream}", 1)

    def emit(self, data: Contract, *, subject: str, key: str) -> str:
        """Append one event for the topic of its contract; its id, unique for ever."""
        topic = TOPIC_OF[type(data)].name
        raw_key = key.encode()
        return self._append(data, subject, topic, partition_of(raw_key, self._counts[topic]), raw_key)

    def emit_everywhere(self, data: Contract, *, subject: str) -> None:
        """Append one copy of the event for each partition of its topic."""
        topic = TOPIC_OF[type(data)].name
        for partition in range(self._counts[topic]):
            self._append(data, subject, topic, partition, None)

    def forward(self, value: bytes, *, topic: str, key: str | None) -> int:
        """Append a record that is an event already, as it is; its sequence in the shard's outbox."""
        seq, raw_key = self._next_seq(), None if key is None else key.encode()
        partition = 0 if raw_key is None else partition_of(raw_key, self._counts[topic])
        self._outbox.append(OutboxRow(seq, topic, partition, raw_key, value))
        return seq

    def reject(self, received: Received, reason: str, detail: str) -> None:
        """Dead-letter one record in this transaction; the handler leaves it out of what it saves."""
        self.dead_letter(received.record, reason, detail)

    def duplicate(self, received: Received) -> None:
        """Count an exact redelivery: not an error, nothing to do."""
        self._counters["duplicate"] += 1

    def wake_work(self) -> None:
        """Have the stream's `work` run after this transaction commits."""
        self.work_woken = True

    def dead_letter(self, record: Record, reason: str, detail: str) -> None:
        """Keep a refused record with its reason, and tell the topic's dead-letter topic."""
        self._letters.append(DeadLetter(record, reason, detail[:DETAIL_CHARACTERS_MAX]))
        self._counters["rejected"] += 1

    def _append(self, data: Contract, subject: str, topic: str, partition: int, key: bytes | None) -> str:
        seq = self._next_seq()
        event_id = f"{self._source}.{seq}"
        value = encode(data, event_id=event_id, source=f"arrears/{self._source}", subject=subject, time=self.now)
        if len(value) > PAYLOAD_BYTES_MAX:
            raise ValueError(f"an event of {len(value)} bytes for {topic}: {PAYLOAD_BYTES_MAX} are read at most")
        self._outbox.append(OutboxRow(seq, topic, partition, key, value))
        return event_id

    def mark(self) -> tuple[int, int, Counter[str]]:
        """A point to return to when a savepoint is rolled back."""
        return len(self._outbox), len(self._letters), self._counters.copy()

    def rewind(self, mark: tuple[int, int, Counter[str]]) -> None:
        """Forget everything since the mark."""
        del self._outbox[mark[0] :]
        del self._letters[mark[1] :]
        self._counters = mark[2].copy()

    @property
    def refused(self) -> Sequence[DeadLetter]:
        """What was dead-lettered so far."""
        return self._letters

    def take_letters(self) -> list[DeadLetter]:
        """Take back every dead letter of this transaction: it is known already, and its caller notes how it ended."""
        taken, self._letters = self._letters, []
        self._counters["rejected"] -= len(taken)
        return taken

    @property
    def is_empty(self) -> bool:
        """True when nothing was emitted, refused or counted."""
        return not (self._outbox or self._letters or self._counters)

    async def finish(self) -> list[OutboxRow]:
        """Write outbox, dead letters and the shard row; the rows to relay once the commit is through.

        Raises Fenced when the row is not as it was when this transaction took its state.
        """
        if self._letters:
            self._outbox += [self._told(letter, seq) for seq, letter in enumerate(self._letters, self._next_seq())]
            await self._rows.keep_letters(self.connection, self.shard, self._letters, self.now)
        had_seq, self._state.next_seq = self._state.next_seq, self._next_seq()
        for name, count in self._counters.items():
            self._state.counters[name] = self._state.counters.get(name, 0) + count
        if not await self._rows.move(self.connection, self.shard, had_seq, self._state, self._outbox):
            raise Fenced
        return self._outbox

    def count(self, name: str, amount: int) -> None:
        """Add to one of the shard's counters."""
        self._counters[name] += amount

    def _next_seq(self) -> int:
        return self._state.next_seq + len(self._outbox)

    def _told(self, letter: DeadLetter, seq: int) -> OutboxRow:
        """The copy for the dead-letter topic; what is too large for it stays in the table alone."""
        record, topic = letter.record, f"{letter.record.topic}.dead-letter"
        value, key = record.value or b"", record.key
        headers = {
            "arrears-reason": letter.reason,
            "arrears-detail": letter.detail,
            "arrears-origin": f"{record.topic}/{record.partition}/{record.offset}",
        }
        if len(value) > PAYLOAD_BYTES_MAX:
            headers["arrears-left-out"] = f"a value of {len(value)} bytes"
            value = b""
        if key is not None and len(key) > KEY_BYTES_MAX:
            key = key[:KEY_BYTES_MAX]
        partition = record.partition % self._counts.get(topic, 1)
        return OutboxRow(seq, topic, partition, key, value, orjson.dumps(headers).decode())
