"""What a service declares and what its handlers receive: streams, shards, records."""

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from shared.contracts.envelope import Event
from shared.vocabulary.errors import Rejected

if TYPE_CHECKING:
    from shared.messaging.transaction import Transaction


class ShardId(NamedTuple):
    """Partition n of a stream's topics, owned by one member at a time."""

    stream: str
    partition: int

    def __str__(self) -> str:
        return f"{self.stream}.{self.partition}"


class Record(NamedTuple):
    """One Kafka record before decoding, with its place."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes | None]] = ()


class Received(NamedTuple):
    """One decoded event and the record it came in; `source_shard` and `source_seq` are set on Arrears' own events."""

    event: Event[Any]
    record: Record
    source_shard: str | None = None
    source_seq: int = 0

    @property
    def data(self) -> Any:
        """The contract inside the event."""
        return self.event.data


class Refused(NamedTuple):
    """One record that could not be decoded, and why."""

    record: Record
    refusal: Rejected
    source_shard: str | None = None
    source_seq: int = 0


class Handler(Protocol):
    """Applies one batch in one transaction.

    Called with events of one shard, in the order of each topic's partition. What it does must depend on the database
    and the batch alone: the batch may be tried again whole after a lost connection, or cut when the database refuses
    a value. It may raise Unavailable (the batch is tried again); a record it refuses goes to `tx.reject`.
    """

    def __call__(self, batch: Sequence[Received], tx: "Transaction", /) -> Awaitable[None]:
        """Claim, load, decide, save."""
        ...


Work = Callable[["Transaction"], Awaitable[bool]]
"""One chunk of a shard's own work (a day close, due decisions); True when more may be left."""


@dataclass(frozen=True)
class Stream:
    """Co-partitioned topics whose partition n is one shard.

    `broadcast` topics are read whole by every shard; a broadcast record is applied only after everything that lay on
    the shard's other topics when it was seen. `work` runs in transactions of its own once a shard starts and whenever
    a handler asked with `tx.wake_work()`, until it returns False.
    """

    name: str
    topics: Sequence[str]
    handle: Handler
    broadcast: Sequence[str] = ()
    work: Work | None = None


@dataclass
class ShardState:
    """A shard's row: what is read, what is written, whose it is."""

    epoch: int
    next_seq: int
    offsets: dict[str, int]
    watermarks: dict[str, int]
    counters: dict[str, int] = field(default_factory=dict)

    def copy(self) -> "ShardState":
        """One to change in a transaction that may yet fail."""
        return ShardState(self.epoch, self.next_seq, dict(self.offsets), dict(self.watermarks), dict(self.counters))


class OutboxRow(NamedTuple):
    """One outgoing record; `seq` is gapless per shard and in commit order."""

    seq: int
    topic: str
    to_partition: int
    key: bytes | None
    value: bytes
    headers: str | None = None
    """Extra headers as a JSON object of texts, on dead letters."""


SOURCE_HEADER = "arrears-shard"
SEQ_HEADER = "arrears-seq"
SEQ_DIGITS_MAX = 18
"""Anything longer is not a sequence of ours: it would not fit a 64-bit column."""
_SOURCE = re.compile(rb"[a-z0-9_-]{1,40}\.[a-z0-9_-]{1,40}\.[0-9]{1,6}")
"""service.stream.partition: what else stands in the header is nobody's shard, and may be unfit for a column."""


def source_of(headers: Sequence[tuple[str, bytes | None]]) -> tuple[str | None, int]:
    """The outbox shard and sequence a record of ours travels with; (None, 0) for anybody else's."""
    if not headers:
        return None, 0
    found: Mapping[str, bytes | None] = dict(headers)
    source, seq = found.get(SOURCE_HEADER), found.get(SEQ_HEADER)
    if source is None or seq is None or not seq.isdigit() or len(seq) > SEQ_DIGITS_MAX:
        return None, 0
    name = _shard_named(source)
    return (None, 0) if name is None else (name, int(seq))


@lru_cache(maxsize=1_024)
def _shard_named(source: bytes) -> str | None:
    """The same few shards write all records: their names are read once."""
    return None if _SOURCE.fullmatch(source) is None else source.decode()
