"""What must hold after each commit and each append, foretold from the log by a second, simpler way.

The judge sees each transaction in the moment of its commit and each record in the moment it lies in the broker; it
keeps what the state has to be and complains at the first difference.
"""

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterator
from typing import Any

import orjson
from aiokafka import TopicPartition

from shared.messaging.stream import ShardId, ShardState, source_of
from tests.simulation.broker import Broker, Written
from tests.simulation.chain import CALENDAR, FACTS, FIRST, SECOND, STATUS, Fact, applied_cell, heard_cell
from tests.simulation.store import Changes, Memory

Lane = tuple[int, str]
"""A partition of the topic between the services, and the shard its records come from."""


class Judge:
    """Watches both services and the topic between them."""

    def __init__(self, broker: Broker, first: Memory, second: Memory, complain: Callable[[str], None]) -> None:
        self.facts: dict[tuple[str, int, int], Fact] = {}
        """What core banking put where."""
        self.barriers: dict[int, dict[TopicPartition, int]] = {}
        """Where the facts ended when each calendar record was published."""
        self._broker = broker
        self._first = first
        self._second = second
        self._complain = complain
        self._cells: dict[Hashable, Any] = {}
        self._lanes: defaultdict[Lane, list[int]] = defaultdict(list)
        self._appeared: defaultdict[Lane, int] = defaultdict(int)
        self._heard: defaultdict[Lane, int] = defaultdict(int)
        first.watch = lambda changes: self._see(changes, first)
        second.watch = lambda changes: self._see(changes, second)
        broker.watch = self._appended

    def _see(self, changes: Changes, memory: Memory) -> None:
        if changes.cells and not changes.moved:
            self._complain("state was committed without offsets")
        for shard, state in changes.moved.items():
            had = memory.shards[shard]
            self._row_is_next(shard, had, state, [row.seq for row in changes.appended[shard]])
            expected = self._folded(shard, had, state, changes)
            for cell, value in expected.items():
                if changes.cells.get(cell) != value:
                    self._complain(f"{shard}: {cell} is {changes.cells.get(cell)}, its log folds to {value}")
            for cell in changes.cells.keys() - expected.keys():
                if cell[0] in ("applied", "heard"):  # type: ignore[index]
                    self._complain(f"{shard}: {cell} changed, which the log does not say")
            for row in changes.appended[shard]:
                if row.topic == STATUS:
                    self._lanes[row.to_partition, f"first.{shard}"].append(row.seq)

    def _row_is_next(self, shard: ShardId, had: ShardState, state: ShardState, seqs: list[int]) -> None:
        if state.epoch != had.epoch:
            self._complain(f"{shard}: epoch {state.epoch} wrote, the owner's is {had.epoch}")
        if seqs != list(range(had.next_seq, state.next_seq)):
            self._complain(f"{shard}: sequences {seqs} between {had.next_seq} and {state.next_seq}")
        if any(state.offsets.get(topic, 0) < offset for topic, offset in had.offsets.items()):
            self._complain(f"{shard}: offsets went back from {had.offsets} to {state.offsets}")

    def _folded(self, shard: ShardId, had: ShardState, state: ShardState, changes: Changes) -> dict[Hashable, Any]:
        """The cells that the records between the two offsets change, as they must be after them."""
        self._barrier_holds(shard, had, state)
        expected: dict[Hashable, Any] = {}
        topics = FIRST.topics if shard.stream == FIRST.name else SECOND.topics
        for topic in topics:
            for record in self._between(TopicPartition(topic, shard.partition), had, state):
                cell, value = self._heard_once(record) if topic == STATUS else self._applied(shard, record, changes)
                if cell is not None:
                    expected[cell] = self._cells[cell] = value
        return expected

    def _between(self, place: TopicPartition, had: ShardState, state: ShardState) -> Iterator[Written]:
        start, end = had.offsets.get(place.topic, 0), state.offsets.get(place.topic, 0)
        return (record for record in self._broker.logs[place][start:end] if record is not None)

    def _applied(self, shard: ShardId, record: Written, changes: Changes) -> tuple[Hashable | None, Any]:
        place = (record.topic, record.partition, record.offset)
        if self.facts[place].kind != "good":
            if (shard.stream, *place) not in changes.letters:
                self._complain(f"{shard}: {place} was neither applied nor dead-lettered")
            return None, None
        cell = applied_cell(record)
        return cell, (*self._cells.get(cell, ()), record.offset)

    def _heard_once(self, record: Written) -> tuple[Hashable | None, Any]:
        source, seq = source_of(record.headers)
        lane = (record.partition, str(source))
        if seq <= self._heard[lane]:
            return None, None
        self._heard[lane] = seq
        cell = heard_cell(record, _subject(record))
        if cell in self._cells:
            self._complain(f"{cell} is told a second time, as {lane} {seq}")
        return cell, 1

    def _barrier_holds(self, shard: ShardId, had: ShardState, state: ShardState) -> None:
        for offset in range(had.offsets.get(CALENDAR, 0), state.offsets.get(CALENDAR, 0)):
            for topic in FACTS:
                place = TopicPartition(topic, shard.partition)
                had_offset, end = had.offsets.get(topic, 0), self.barriers[offset][place]
                if any(record is not None for record in self._broker.logs[place][had_offset:end]):
                    self._complain(f"{shard}: day {offset} closed before {place} was applied up to {end}")

    def _appended(self, record: Written) -> None:
        """First appearances on a lane follow one another as the outbox has them."""
        if record.topic != STATUS:
            return
        source, seq = source_of(record.headers)
        lane = (record.partition, str(source))
        seqs, at = self._lanes[lane], self._appeared[lane]
        if at < len(seqs) and seqs[at] == seq:
            self._appeared[lane] += 1
        elif seq not in seqs[:at]:
            self._complain(f"{lane}: {seq} appeared when {seqs[at : at + 1]} was next")

    def is_settled(self) -> bool:
        """Everything published is applied, everything emitted is relayed and heard."""
        return all(self._is_through(memory) for memory in (self._first, self._second)) and not self.missing()

    def _is_through(self, memory: Memory) -> bool:
        stream = FIRST if memory is self._first else SECOND
        for n in range(2):
            state = memory.shards.get(ShardId(stream.name, n))
            if state is None or memory.cells.get(("left", n)):
                return False
            if memory.relays[ShardId(stream.name, n)][1] < state.next_seq - 1:
                return False
            places = [TopicPartition(t, n) for t in stream.topics] + [TopicPartition(t, 0) for t in stream.broadcast]
            end = ShardState(0, 0, {place.topic: self._broker.end(place) for place in places}, {})
            if any(True for place in places for _ in self._between(place, state, end)):
                return False
        return True

    def missing(self) -> list[str]:
        """Facts that are to be told and were not heard."""
        told = {cell[2] for cell in self._second.cells if cell[0] == "heard"}  # type: ignore[index]
        return sorted({fact.id for fact in self.facts.values() if fact.kind == "good"} - told)


def _subject(record: Written) -> str:
    return str(orjson.loads(record.value or b"{}")["subject"])
