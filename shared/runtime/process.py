"""One service process: settings in, API and consumer out, started in order and stopped in order."""

import asyncio
import signal
from collections.abc import Set
from functools import partial
from typing import Any, Literal, TypeAlias

import structlog
from fastapi import FastAPI

from shared.messaging import dead_letters, housekeeping, kafka, redrive, retry, topology
from shared.messaging.autocommit import autocommit
from shared.messaging.broadcast import Broadcast
from shared.messaging.commands import COMMANDS, Commands
from shared.messaging.desk import Desk
from shared.messaging.feed import Feed
from shared.messaging.member import Member
from shared.messaging.publisher import Publisher
from shared.messaging.relay import Relay
from shared.messaging.shard import ShardLoop
from shared.messaging.stream import ShardId, Stream
from shared.runtime import calendar_clock, database, problems, serving
from shared.runtime.clock import Clock, SimulatedClock, SystemClock
from shared.runtime.http import system_router
from shared.runtime.letters_door import letters_router
from shared.runtime.service import Context, Service
from shared.runtime.settings import Settings

Only: TypeAlias = Literal["api", "consumer"]
STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)

log = structlog.get_logger()


class Process:
    """Runs a service: both halves by default, or one of them."""

    def __init__(self, service: Service, settings: Settings, only: Only | None = None) -> None:
        self._service = service
        self._settings = settings
        self._bootstrap = settings.kafka_bootstrap
        self._only = only
        self._stop = asyncio.Event()
        self._drained = asyncio.Event()
        self._engine = database.engine_of(settings.database, settings.database_connections_max)
        self._clock: Clock = SimulatedClock() if settings.clock == "simulated" else SystemClock()
        self._publisher = Publisher(lambda: kafka.producer(self._bootstrap, service.name))
        self._counts: dict[str, int] = {}
        self._relay = Relay(self._engine, self._publisher, service.name, COMMANDS)
        self._commands = Commands(self._engine, self._relay, service.name, self._counts, self._clock)
        self._members: list[Member] = []
        self._ready = False
        self.context = Context(settings, self._engine, self._clock, self._commands, self._counts, self._wake_work)

    def stop(self) -> None:
        """Ask for an orderly end."""
        self._stop.set()

    async def run(self) -> None:
        """Start, serve until stopped or until a part fails, then drain; a failed part's error is raised in a group."""
        loop = asyncio.get_running_loop()
        for number in STOP_SIGNALS:
            loop.add_signal_handler(number, self.stop)
        try:
            async with asyncio.TaskGroup() as tasks:
                api = tasks.create_task(self._serve())
                tasks.create_task(self._work(api))
        finally:
            await self._publisher.close()
            await self._engine.dispose()
            for number in STOP_SIGNALS:  # a loop that lives on would leave the signals, and its forks', without effect
                loop.remove_signal_handler(number)
        log.info("stopped")

    async def _work(self, api: asyncio.Task[None]) -> None:
        if not await self._prepared():
            return
        async with asyncio.TaskGroup() as lasting:
            lasting.create_task(self._commands.run(self._drained))
            async with asyncio.TaskGroup() as tasks:
                self._start(tasks)
                self._ready = True
                log.info("ready", only=self._only or "both")
                await self._stop.wait()
            # Requests and jobs under way may still have emitted: their events are relayed last.
            await asyncio.wait({api})
            self._drained.set()

    async def _prepared(self) -> bool:
        """Wait for database and topics; False when asked to stop meanwhile."""
        await database.wait_for(self._engine, self._stop)
        self._counts.update(await topology.learn(self._bootstrap, self._service.streams, self._stop))
        if self._stop.is_set():
            return False
        await retry.persist(self._hold_topology, self._stop, "start")
        await retry.persist(self._commands.prepare, self._stop, "start")
        for start in self._service.on_start:
            await retry.persist(partial(start, self.context), self._stop, "start")
        return not self._stop.is_set()

    async def _hold_topology(self) -> None:
        await topology.hold(self._engine, self._service.name, self._service.streams, self._counts)

    def _start(self, tasks: asyncio.TaskGroup) -> None:
        kept_days = self._settings.dead_letters_kept_days
        tasks.create_task(housekeeping.run(self._engine, self._clock, kept_days, self._stop))
        if self._settings.clock == "simulated":
            tasks.create_task(calendar_clock.follow(self._clock, self._bootstrap, self._stop))
        if self._only == "api":
            return
        for job in self._service.background:
            tasks.create_task(retry.persist(partial(job, self.context, self._stop), self._stop, "job"))
        for stream in self._service.streams:
            tasks.create_task(self._consume(stream))
        if self._service.streams:
            tasks.create_task(redrive.watch(self._engine, self._redrive, self._stop))

    def _redrive(self, asked: Set[ShardId]) -> None:
        for member in self._members:
            for loop in member.loops.values():
                if loop.shard in asked and not loop.redrive_left:
                    loop.redrive()

    async def _consume(self, stream: Stream) -> None:
        settings = self._settings
        broadcast = None
        if stream.broadcast:
            broadcast = Broadcast(lambda: kafka.reader(self._bootstrap, stream.broadcast), stream.broadcast)
        member = Member(
            stream,
            make_consumer=lambda: kafka.group_consumer(
                self._bootstrap,
                service=self._service.name,
                stream=stream.name,
                replica=settings.replica,
                session_timeout_s=settings.session_timeout_s,
                wait_ms=settings.fetch_wait_max_ms,
                bytes_min=settings.fetch_bytes_min,
            ),
            broadcast=broadcast,
            make_loop=self._loop,
            shards=self._counts[f"stream:{stream.name}"],
            records_max=settings.batch_records_max,
            session_timeout_s=settings.session_timeout_s,
        )
        self._members.append(member)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(member.run(self._stop))
            if broadcast is not None:
                tasks.create_task(broadcast.run(self._stop))

    def _loop(self, stream: Stream, partition: int, feed: Feed) -> tuple[ShardLoop, Relay]:
        relay = Relay(self._engine, self._publisher, self._service.name, ShardId(stream.name, partition))
        loop = ShardLoop(
            stream,
            partition,
            service=self._service.name,
            engine=self._engine,
            feed=feed,
            relay=relay,
            counts=self._counts,
            clock=self._clock,
            limits=self._settings.rejection_limits,
            confirm=topology.confirm,
        )
        return loop, relay

    def _wake_work(self) -> None:
        for member in self._members:
            for loop in member.loops.values():
                loop.wake_work()

    async def _serve(self) -> None:
        app = FastAPI(title=f"Arrears {self._service.name}", docs_url="/docs", redoc_url=None)
        problems.install(app, self._settings.http_body_bytes_max)
        desk = Desk(self._engine, self._clock)
        app.include_router(system_router(self._engine, desk, self._progress, lambda: self._ready))
        app.include_router(letters_router(desk))
        if self._only != "consumer":
            app.include_router(self._service.router(self.context))
        await serving.serve(app, self._settings.http_host, self._settings.http_port, self._stop)

    async def _progress(self) -> dict[str, Any]:
        """Read in the order in which one follows from the other: time and input, what is pending, what came out.

        So an answer with nothing left means that nothing was left at one moment, whatever happened meanwhile.
        """
        now = self._clock.now()
        applied = {loop.shard: loop.state.offsets for member in self._members for loop in member.loops.values()}
        async with autocommit(self._engine) as connection:
            pending = dict(await self._service.pending(connection, now)) if self._service.pending else {}
            pending["redrives"] = await dead_letters.asked_count(connection)
            commands = await self._commands.progress(connection)
        return {
            "clock": now.isoformat(),
            "commands": commands,
            "owned": {
                member.stream.name: {
                    str(n): loop.progress() | {"offsets": applied.get(loop.shard, {})}
                    for n, loop in member.loops.items()
                }
                for member in self._members
            },
            "pending": pending,
        }
