"""One service process: settings in, API and consumer out, started in order and stopped in order."""

import asyncio
import signal
import socket
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

import structlog
import uvicorn
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError
from fastapi import APIRouter, FastAPI
from sqlalchemy.ext.asyncio import AsyncEngine

from shared.contracts.topics import TOPICS
from shared.messaging import retry
from shared.messaging.commands import COMMANDS, Commands
from shared.messaging.feed import Broadcast, Feed
from shared.messaging.member import Member, group_consumer, start_patiently
from shared.messaging.relay import Publisher, Relay
from shared.messaging.shard import ShardLoop
from shared.messaging.stream import ShardId, Stream
from shared.runtime import calendar_clock, database, problems
from shared.runtime.clock import Clock, SimulatedClock, SystemClock
from shared.runtime.http import system_router
from shared.runtime.settings import Settings
from shared.vocabulary.errors import Misconfigured

Only: TypeAlias = Literal["api", "consumer"]
DRAIN_S = 10.0

log = structlog.get_logger()


@dataclass
class Context:
    """What a service's own parts are built from: handed to routers and background jobs."""

    settings: Settings
    engine: AsyncEngine
    clock: Clock
    commands: Commands
    counts: dict[str, int]


Background = Callable[[Context, asyncio.Event], Awaitable[None]]
Pending = Callable[[Context], Awaitable[Mapping[str, int]]]


@dataclass
class Service:
    """The declaration of one service, read by `Process`.

    `background` jobs run beside the consumer until the event is set. `pending` counts what must be 0 when the service
    is quiet, for /progress. `router` builds the service's own routes.
    """

    name: str
    streams: Sequence[Stream]
    router: Callable[[Context], APIRouter]
    background: Sequence[Background] = ()
    pending: Pending | None = None
    on_start: Sequence[Callable[[Context], Awaitable[None]]] = field(default_factory=tuple)


class Process:
    """Runs a service: both halves by default, or one of them."""

    def __init__(self, service: Service, settings: Settings, only: Only | None = None) -> None:
        self._service = service
        self._settings = settings
        self._only = only
        self._stop = asyncio.Event()
        self._engine = database.engine_of(settings.database, settings.database_connections_max)
        self._clock: Clock = SimulatedClock() if settings.clock == "simulated" else SystemClock()
        self._publisher = Publisher(self._producer)
        self._counts: dict[str, int] = {}
        self._relay = Relay(self._engine, self._publisher, service.name, COMMANDS)
        self._commands = Commands(self._engine, self._relay, service.name, self._counts, self._clock)
        self._members: list[Member] = []
        self._ready = False
        self.context = Context(settings, self._engine, self._clock, self._commands, self._counts)

    def stop(self) -> None:
        """Ask for an orderly end."""
        self._stop.set()

    async def run(self) -> None:
        """Start, serve until stopped or until a part fails, then drain."""
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, self.stop)
        try:
            async with asyncio.TaskGroup() as tasks:
                serving = tasks.create_task(self._serve())
                tasks.create_task(self._work(tasks))
                await self._stop.wait()
                await serving
        finally:
            await self._publisher.close()
            await self._engine.dispose()
        log.info("stopped")

    async def _work(self, tasks: asyncio.TaskGroup) -> None:
        await database.wait_for(self._engine, self._stop)
        await self._learn_partitions()
        if self._stop.is_set():
            return
        await self._commands.prepare()
        for start in self._service.on_start:
            await start(self.context)
        tasks.create_task(self._commands.run(self._stop))
        if self._settings.clock == "simulated":
            tasks.create_task(calendar_clock.follow(self._clock, self._settings.kafka_bootstrap, self._stop))
        if self._only != "api":
            self._start_consumer(tasks)
        self._ready = True
        log.info("ready", only=self._only or "both")

    def _start_consumer(self, tasks: asyncio.TaskGroup) -> None:
        for job in self._service.background:
            tasks.create_task(_awaited(job(self.context, self._stop)))
        for stream in self._service.streams:
            tasks.create_task(self._consume(stream))

    async def _consume(self, stream: Stream) -> None:
        broadcast = await self._broadcast(stream)
        settings = self._settings
        consumer = group_consumer(
            settings.kafka_bootstrap,
            service=self._service.name,
            stream=stream.name,
            session_timeout_s=settings.session_timeout_s,
            wait_ms=settings.fetch_wait_max_ms,
        )
        member = Member(
            stream,
            consumer=consumer,
            broadcast=broadcast[0] if broadcast else None,
            make_loop=self._loop,
            records_max=settings.batch_records_max,
        )
        self._members.append(member)
        reading = asyncio.create_task(broadcast[0].run(self._stop)) if broadcast else None
        try:
            await member.run(self._stop)
        finally:
            if reading is not None and broadcast is not None:
                await reading
                await broadcast[1].stop()

    async def _broadcast(self, stream: Stream) -> tuple[Broadcast, AIOKafkaConsumer] | None:
        if not stream.broadcast:
            return None
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self._settings.kafka_bootstrap, enable_auto_commit=False, auto_offset_reset="earliest"
        )
        await start_patiently(consumer, self._stop, "broadcast")
        consumer.assign([TopicPartition(topic, 0) for topic in stream.broadcast])
        return Broadcast(consumer, stream.broadcast), consumer

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
        )
        return loop, relay

    def _producer(self) -> AIOKafkaProducer:
        return AIOKafkaProducer(
            bootstrap_servers=self._settings.kafka_bootstrap,
            client_id=f"arrears-{self._service.name}",
            enable_idempotence=True,
            acks="all",
            max_batch_size=512 * 1024,
            max_request_size=2 * 1024 * 1024,
            request_timeout_ms=20_000,
        )

    async def _learn_partitions(self) -> None:
        """Wait for the topics this service needs; their partition counts route every emit."""
        waits = retry.backoff_s()
        while not self._stop.is_set():
            try:
                missing = await self._missing_topics()
                if not missing:
                    return
                log.warning("topics_missing", topics=missing, hint="create them with: python -m deploy.topics")
            except KafkaError as error:
                log.warning("broker_unreachable", client="topics", error=type(error).__name__)
            await retry.sleep_unless(self._stop, next(waits))

    async def _missing_topics(self) -> list[str]:
        admin = AIOKafkaAdminClient(bootstrap_servers=self._settings.kafka_bootstrap)
        await start_patiently(admin, self._stop, "topics")
        try:
            described = await admin.describe_topics()
        finally:
            await admin.close()
        found = {topic["topic"]: len(topic["partitions"]) for topic in described if topic["partitions"]}
        self._counts.update(found)
        for stream in self._service.streams:
            self._counts[f"stream:{stream.name}"] = self._co_partitioned(stream, found)
        return sorted(topic.name for topic in TOPICS if topic.name not in found)

    def _co_partitioned(self, stream: Stream, found: Mapping[str, int]) -> int:
        counts = {topic: found[topic] for topic in stream.topics if topic in found}
        if len(set(counts.values())) > 1:
            raise Misconfigured(f"topics of stream {stream.name} need the same number of partitions: {counts}")
        return next(iter(counts.values()), 1)

    async def _serve(self) -> None:
        app = FastAPI(title=f"Arrears {self._service.name}", docs_url="/docs", redoc_url=None)
        problems.install(app)
        app.include_router(system_router(self._engine, self._progress, lambda: self._ready))
        if self._only != "consumer":
            app.include_router(self._service.router(self.context))
        config = uvicorn.Config(
            app, log_config=None, access_log=False, lifespan="off", timeout_graceful_shutdown=int(DRAIN_S)
        )
        server = _Server(config)
        with listening(self._settings.http_host, self._settings.http_port) as door:
            serving = asyncio.create_task(server.serve(sockets=[door]))
            stopping = asyncio.create_task(self._stop.wait())
            await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
            server.should_exit = True
            await serving
            stopping.cancel()

    async def _progress(self) -> dict[str, Any]:
        pending = dict(await self._service.pending(self.context)) if self._service.pending else {}
        return {
            "clock": self._clock.now().isoformat(),
            "commands": {"emitted": self._relay.emitted_seq, "relayed": self._relay.relayed_seq},
            "owned": {
                member.stream.name: {
                    str(n): {
                        "offsets": loop.state.offsets,
                        "emitted": loop.state.next_seq - 1,
                        "relayed": loop.relayed_seq,
                        "work": loop.work_left,
                    }
                    for n, loop in member.loops.items()
                }
                for member in self._members
            },
            "pending": pending,
        }


@contextmanager
def listening(host: str, port: int) -> Iterator[socket.socket]:
    """A bound socket; Misconfigured when the address cannot be had."""
    door = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        door.bind((host, port))
    except OSError as error:
        door.close()
        raise Misconfigured(
            f"ARREARS_HTTP_HOST, ARREARS_HTTP_PORT: cannot listen on {host}:{port}: {error.strerror}"
        ) from None
    try:
        yield door
    finally:
        door.close()


class _Server(uvicorn.Server):
    """Signals belong to the process, which also drains the consumer."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def _awaited(job: Awaitable[None]) -> None:
    await job
