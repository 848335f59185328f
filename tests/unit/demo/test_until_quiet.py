"""Waiting for quiet in a small world of four services that pass events on at their own, random pace."""

import asyncio
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import UTC, datetime
from random import Random
from typing import Any

import pytest

from deploy.local.demo.line import AwayError
from deploy.local.demo.quiet import ORDER, Quiet, Step, StuckError

NOW = datetime(2025, 2, 3, 9, 30, tzinfo=UTC)
READS = {
    "ingest": ("banking.billing",),
    "strategy": ("delinquency.status", "contact.outcomes"),
    "contact": ("delinquency.status", "collections.treatments", "collections.cases"),
    "reporting": ("delinquency.status", "collections.treatments", "collections.cases", "contact.outcomes"),
}
WRITES = {
    ("ingest", "banking.billing"): ("delinquency.status",),
    ("strategy", "delinquency.status"): ("collections.treatments", "collections.cases"),
}


@dataclass
class World:
    """Topics as counts. Contact hands each treatment to a gateway, whose receipt becomes an outcome."""

    rng: Random
    ends: dict[str, int] = field(default_factory=dict)
    offsets: dict[tuple[str, str], int] = field(default_factory=dict)
    committed: dict[str, int] = field(default_factory=dict)
    relayed: dict[str, int] = field(default_factory=dict)
    to_send: int = 0
    to_answer: int = 0
    received: int = 0
    moves: int = 0
    _relays: list[asyncio.Task[None]] = field(default_factory=list)

    async def run(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            for service, topics in READS.items():
                for topic in topics:
                    tasks.create_task(self._consume(service, topic))
            tasks.create_task(self._send())
            tasks.create_task(self._answer())

    async def _consume(self, service: str, topic: str) -> None:
        slowness = self.rng.choice((1, 8))
        while True:
            await self.pause(slowness)
            at = self.offsets.get((service, topic), 0)
            if at < self.ends.get(topic, 0):
                self.offsets[service, topic] = at + 1
                if (service, topic) == ("contact", "collections.treatments"):
                    self.to_send += 1
                for out in WRITES.get((service, topic), ()):
                    self._emit(service, out)

    def _emit(self, service: str, topic: str) -> None:
        self.moves += 1
        self.committed[service] = self.committed.get(service, 0) + 1
        self._relays.append(asyncio.create_task(self._relay(service, topic)))

    async def _relay(self, service: str, topic: str) -> None:
        await self.pause(self.rng.choice((1, 10)))
        self.ends[topic] = self.ends.get(topic, 0) + 1
        self.relayed[service] = self.relayed.get(service, 0) + 1

    async def _send(self) -> None:
        while True:
            await self.pause()
            if self.to_send:
                self.received += 1
                self.to_answer += 1
                self.to_send -= 1

    async def _answer(self) -> None:
        slowness = self.rng.choice((1, 25))
        while True:
            await self.pause(slowness)
            if self.to_answer:
                self._emit("contact", "contact.outcomes")
                self.to_answer -= 1

    async def pause(self, slowness: int = 1) -> None:
        await asyncio.sleep(self.rng.random() * 0.003 * slowness)

    def progress(self, service: str) -> dict[str, Any]:
        offsets = {topic: self.offsets.get((service, topic), 0) for topic in READS[service]}
        out = {"emitted": self.committed.get(service, 0), "relayed": self.relayed.get(service, 0)}
        pending = {"contacts": self.to_send} if service == "contact" else {}
        shard = {"offsets": offsets, **out, "work": False}
        return {"clock": NOW.isoformat(), "commands": out, "owned": {"all": {"0": shard}}, "pending": pending}

    def at_rest(self, services: Collection[str]) -> bool:
        read = all(self.offsets.get((s, t), 0) == self.ends.get(t, 0) for s in services for t in READS[s])
        return read and self.committed == self.relayed and not self.to_send and not self.to_answer


class Door:
    """One service's or the gateway's answers."""

    def __init__(self, world: World, name: str) -> None:
        self._world, self._name = world, name
        self.away = 0

    async def get(self, path: str) -> Any:
        await self._world.pause()
        if self.away:
            self.away -= 1
            raise AwayError("starting again")
        if path == "/pending":
            return {"pending": self._world.to_answer, "received": self._world.received}
        return self._world.progress(self._name)


def quiet_of(world: World, doors: dict[str, Door]) -> Quiet:
    services: Any = {name: door for name, door in doors.items() if name != "gateway"}
    gateway: Any = doors["gateway"]

    async def ends() -> dict[tuple[str, int], int]:
        await world.pause()
        return {(topic, 0): end for topic, end in world.ends.items()}

    return Quiet(services, gateway, ends)


def doors(world: World) -> dict[str, Door]:
    return {name: Door(world, name) for name in (*READS, "gateway")}


@pytest.mark.parametrize("seed", range(12))
async def test_when_it_says_quiet_nothing_moves(seed: int) -> None:
    world = World(Random(seed))
    running = asyncio.create_task(world.run())
    quiet = quiet_of(world, doors(world))
    steps: tuple[Step, ...] = ("close", "morning", "calls", "close", "end")
    for step in steps:
        if step == "morning":
            world.to_send += world.rng.randint(0, 6)
        else:
            world.ends["banking.billing"] = world.ends.get("banking.billing", 0) + world.rng.randint(0, 6)
        await quiet.until(step, NOW)
        assert world.at_rest(ORDER[step])
        moves = world.moves
        await asyncio.sleep(0.05)
        assert world.moves == moves
    running.cancel()
    assert world.moves > 0


async def test_a_service_that_is_away_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("deploy.local.demo.quiet.AWAY_PAUSE_S", 0.01)
    world = World(Random(1))
    opened = doors(world)
    opened["strategy"].away = 3
    await quiet_of(world, opened).until("close", NOW)
    assert opened["strategy"].away == 0


async def test_what_never_comes_to_rest_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("deploy.local.demo.quiet.TIMEOUT_S", 0.2)
    world = World(Random(1), ends={"banking.billing": 3})
    with pytest.raises(StuckError, match=r"ingest does not come to rest: 3 records of banking\.billing/0"):
        await quiet_of(world, doors(world)).until("close", NOW)


def test_only_the_end_waits_for_reporting_which_nobody_waits_for() -> None:
    assert set(ORDER["end"]) == set(READS)
    assert [step for step, order in ORDER.items() if "reporting" in order] == ["end"]
