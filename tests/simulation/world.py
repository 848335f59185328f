"""Two services of two processes each, put together from the real loop on simulated parts, and struck by faults.

The composition is `shared.runtime.process.Process`'s, without HTTP, commands and housekeeping.
"""

import asyncio
import random
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from aiokafka import TopicPartition

from shared.messaging.broadcast import Broadcast
from shared.messaging.feed import Feed
from shared.messaging.member import Member
from shared.messaging.publisher import Publisher
from shared.messaging.relay import Relay
from shared.messaging.shard import ShardLoop
from shared.messaging.stream import ShardId, Stream
from shared.messaging.transaction import partition_of
from shared.runtime.clock import SystemClock
from tests.simulation.broker import Broker
from tests.simulation.chain import CALENDAR, FIRST, PARTITIONS, SECOND, Fact, day_closed
from tests.simulation.clients import Consumer, Producer
from tests.simulation.invariants import Judge
from tests.simulation.life import Life
from tests.simulation.plan import FAULTS_S, Plan, Strike
from tests.simulation.store import Memory, SimulatedEngine, SimulatedRows

SESSION_S = 2.0
IDLE_IN_TRANSACTION_S = 3.0
PATIENCE_S = 90.0
BEGINNING = datetime(2026, 1, 1, tzinfo=UTC)


class LoopClock(SystemClock):
    """The virtual loop's time as a date."""

    def now(self) -> datetime:
        return BEGINNING + timedelta(seconds=asyncio.get_running_loop().time())


class Parts:
    """What a broken loop may replace: the classes that the world is put together from."""

    shard_loop: type[ShardLoop] = ShardLoop
    relay: type[Relay] = Relay
    publisher: type[Publisher] = Publisher
    rows: type[SimulatedRows] = SimulatedRows


class World:
    """One run of a plan."""

    def __init__(self, plan: Plan, parts: type[Parts] = Parts) -> None:
        self.plan = plan
        self.parts = parts
        self.trace: list[tuple[float, str]] = []
        self.complaint = ""
        self.over = asyncio.Event()
        self.ended = False
        self.broker = Broker(PARTITIONS)
        self.memories = {"first": Memory(), "second": Memory()}
        self.judge = Judge(self.broker, self.memories["first"], self.memories["second"], self.complain)
        self.nodes = [
            Node(self, f"{service}-{n}", service, stream)
            for n in (1, 2)
            for service, stream in (("first", FIRST), ("second", SECOND))
        ]

    def say(self, who: str, what: str, more: Any = "") -> None:
        """A line of the trace; what is said while everything is cut off at the end comes in no order."""
        if not self.ended:
            self.trace.append((asyncio.get_running_loop().time(), f"{who} {what} {more}"))

    def complain(self, what: str) -> None:
        """An invariant is broken: the first one ends the run."""
        self.say("judge", what)
        self.complaint = self.complaint or what
        self.over.set()

    async def run(self) -> str:
        """The first complaint, or an empty text."""
        random.seed(self.plan.seed)
        for node in self.nodes:
            node.start()
        happening = [asyncio.create_task(self._publish()), asyncio.create_task(self._close_days())]
        happening += [asyncio.create_task(self._strike(strike)) for strike in self.plan.strikes]
        ending = asyncio.create_task(self._settle(happening))
        over = asyncio.create_task(self.over.wait())
        await asyncio.wait({ending, over}, return_when=asyncio.FIRST_COMPLETED)
        self.ended = True
        if ending.done():
            ending.result()
        return self.complaint

    async def _settle(self, happening: list[asyncio.Task[None]]) -> None:
        await asyncio.gather(*happening)
        loop = asyncio.get_running_loop()
        await asyncio.sleep(max(0.0, FAULTS_S - loop.time()))
        for node in self.nodes:
            node.mend()
        end_s = loop.time() + PATIENCE_S
        while not self.judge.is_settled():
            if loop.time() > end_s:
                self.complain(f"not settled {PATIENCE_S:.0f} s after the last fault; not heard: {self.judge.missing()}")
                return
            await asyncio.sleep(0.25)

    async def _publish(self) -> None:
        for at_s, fact in self.plan.facts:
            await _until(at_s)
            if fact is None:
                self.broker.append_gap(TopicPartition(FIRST.topics[0], 0))
            else:
                self._put(fact)

    def _put(self, fact: Fact) -> None:
        key = fact.account.encode()
        place = TopicPartition(fact.topic, partition_of(key, PARTITIONS[fact.topic]))
        self.judge.facts[(*place, self.broker.end(place))] = fact
        self.say("core", "publishes", fact)
        self.broker.append(place, key, fact.value, ())

    async def _close_days(self) -> None:
        place = TopicPartition(CALENDAR, 0)
        for number, at_s in enumerate(self.plan.days):
            await _until(at_s)
            self.judge.barriers[number] = {tp: self.broker.end(tp) for tp in self.broker.logs}
            self.say("core", "closes day", number)
            self.broker.append(place, None, day_closed(number), ())

    async def _strike(self, strike: Strike) -> None:
        await _until(strike.at_s)
        node = self.nodes[strike.node % len(self.nodes)]
        self.say("fault", strike.kind, node.name)
        away: Mapping[str, Any] = {"store_away": self.memories[node.service], "broker_away": self.broker}
        if strike.kind in away:
            await self._away(away[strike.kind], strike.lasts_s)
        elif strike.kind == "cut_off":
            self._spare(node).cut_off()
        elif strike.kind == "roll":
            await self._roll(node.service, replace(strike, kind="stop"))
        else:
            await node.suffer(strike)

    def _spare(self, node: "Node") -> "Node":
        """The service's last process: the others have to do without it, for it is cut off for good."""
        return [one for one in self.nodes if one.service == node.service][-1]

    async def _roll(self, service: str, stop: Strike) -> None:
        """A new version: one process after the other is asked to end, before the last is back."""
        rolling = []
        for node in [one for one in self.nodes if one.service == service]:
            rolling.append(asyncio.create_task(node.suffer(stop)))
            await asyncio.sleep(stop.lasts_s / 4)
        await asyncio.gather(*rolling)

    async def _away(self, part: Any, lasts_s: float) -> None:
        part.reachable = False
        if isinstance(part, Memory):
            part.end_sessions()
        await asyncio.sleep(lasts_s)
        part.reachable = True


async def _until(at_s: float) -> None:
    await asyncio.sleep(max(0.0, at_s - asyncio.get_running_loop().time()))


class Node:
    """One process of a service, started again after each end."""

    def __init__(self, world: World, name: str, service: str, stream: Stream) -> None:
        self.name = name
        self.service = service
        self._world = world
        self._stream = stream
        self._memory = world.memories[service]
        self._lives = 0
        self._life: Life | None = None
        self._task: asyncio.Task[None] | None = None
        self._stop = asyncio.Event()
        self._consumer: Consumer | None = None
        self._cut_off_at_ms: int | None = None

    def start(self) -> None:
        """A new life, unless one is going on."""
        if self._task is not None:
            return
        self._lives += 1
        chance = Random(f"{self._world.plan.seed} {self.name} {self._lives}")
        self._life = Life(f"{self.name}.{self._lives}", chance, self._world.say, self._died)
        self._life.cut_off_at_ms = self._cut_off_at_ms
        self._stop = asyncio.Event()
        self._world.say(self._life.name, "starts")
        self._task = asyncio.create_task(self._run(self._life, self._stop))
        self._task.add_done_callback(self._ended)

    def mend(self) -> None:
        """The faults are over."""
        self.start()
        assert self._life is not None
        self._life.resume()
        self._life.traps.clear()

    def cut_off(self) -> None:
        """From the broker: this life, and those that follow."""
        self._cut_off_at_ms = self._cut_off_at_ms or int(asyncio.get_running_loop().time() * 1000)
        if self._life is not None:
            self._life.cut_off_at_ms = self._cut_off_at_ms
        if self._consumer is not None:
            self._consumer.expel()

    async def suffer(self, strike: Strike) -> None:
        """One fault, to its end."""
        life = self._life
        if life is None or self._task is None:
            return
        if strike.kind == "crash":
            life.end()
        elif strike.kind == "pause":
            await self._pause(life, strike.lasts_s)
        elif strike.kind == "deafen" and self._consumer is not None:
            self._consumer.deaf_until_s = asyncio.get_running_loop().time() + strike.lasts_s
        elif strike.kind == "expel" and self._consumer is not None:
            self._consumer.deaf_until_s = asyncio.get_running_loop().time() + strike.lasts_s
            self._consumer.expel()
        elif strike.kind == "stop":
            self._stop.set()
        elif strike.kind == "end_sessions":
            self._memory.end_sessions(life)
        else:
            life.traps.append(strike.kind)  # type: ignore[arg-type]
            return
        await asyncio.sleep(strike.lasts_s)
        self.start()

    async def _pause(self, life: Life, lasts_s: float) -> None:
        life.pause()
        await asyncio.sleep(min(lasts_s, IDLE_IN_TRANSACTION_S))
        if lasts_s > IDLE_IN_TRANSACTION_S:
            self._memory.end_sessions(life)
        await asyncio.sleep(max(0.0, lasts_s - IDLE_IN_TRANSACTION_S))
        life.resume()

    def _died(self, life: Life) -> None:
        self._world.say(life.name, "dies")
        self._memory.end_sessions(life)
        if self._task is not None:
            self._task.cancel()

    def _ended(self, task: asyncio.Task[None]) -> None:
        life, self._task = self._life, None
        if life is None or life.dead or task.cancelled():
            asyncio.get_running_loop().call_later(1.0, self.start)
        elif (error := task.exception()) is not None:
            self._world.complain(f"{life.name} ended by {error!r}")
        life.dead = True  # type: ignore[union-attr]

    async def _run(self, life: Life, stop: asyncio.Event) -> None:
        world, stream = self._world, self._stream
        engine = SimulatedEngine(self._memory, life)
        publisher = world.parts.publisher(lambda: Producer(world.broker, life))
        rows = world.parts.rows(self._memory)
        counts = dict(PARTITIONS) | {f"stream:{stream.name}": 2}

        def make_consumer() -> Consumer:
            self._consumer = Consumer(world.broker, life, f"{self.service}.{stream.name}", SESSION_S)
            return self._consumer

        def make_reader() -> Consumer:
            reader = Consumer(world.broker, life, "", SESSION_S)
            reader.assign([TopicPartition(topic, 0) for topic in stream.broadcast])
            return reader

        def make_loop(of: Stream, partition: int, feed: Feed) -> tuple[ShardLoop, Relay]:
            shard = ShardId(of.name, partition)
            relay = world.parts.relay(engine, publisher, self.service, shard, rows)
            loop = world.parts.shard_loop(
                of, partition, service=self.service, engine=engine, feed=feed, relay=relay, counts=counts,
                clock=LoopClock(), rows=rows,
            )  # fmt: skip
            return loop, relay

        broadcast = Broadcast(make_reader, stream.broadcast) if stream.broadcast else None
        member = Member(
            stream, make_consumer=make_consumer, broadcast=broadcast, make_loop=make_loop,
            shards=counts[f"stream:{stream.name}"], records_max=world.plan.batch_records_max,
            session_timeout_s=SESSION_S,
        )  # fmt: skip
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(member.run(stop))
            if broadcast is not None:
                tasks.create_task(broadcast.run(stop))
        await publisher.close()
