"""Drives the tally service on real parts: publishes facts, starts and stops copies of it, reads what came out."""

import asyncio
import gc
import json
import os
import sys
import uuid
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from deploy.local.kafka import KafkaServer
from deploy.local.ports import free_port
from deploy.topics import create_topics
from shared.messaging.stream import SOURCE_HEADER
from shared.messaging.transaction import partition_of
from shared.runtime.process import Only, Process
from tests.integration.messaging.published import day_closed
from tests.integration.messaging.running import Running, show_failure
from tests.integration.messaging.tally import CALENDAR, OUT, TOPICS, Tally, TallySettings, create, service
from tests.integration.messaging.told import Out, first_appearances, seq_of, subject_of
from tests.parts import up
from tests.waiting import PATIENCE_S, until

PARTITIONS = 2


@dataclass
class Rig:
    """One test's service name, database and view of the broker."""

    kafka: str
    database_url: str
    engine: AsyncEngine
    producer: AIOKafkaProducer
    name: str
    starts: Mapping[TopicPartition, int]
    partitions: int = PARTITIONS
    running: list[Running] = field(default_factory=list)
    programs: list[asyncio.subprocess.Process] = field(default_factory=list)

    def settings(self, **more: Any) -> TallySettings:
        """Settings of one copy."""
        values: dict[str, Any] = {
            "environment": "local",
            "kafka_bootstrap": self.kafka,
            "database_url": self.database_url,
            "http_port": free_port(),
            "session_timeout_s": 3,
            "tally_name": self.name,
        }
        return TallySettings(**{**values, **more})

    def start(self, tally: Tally | None = None, only: Only | None = None, **more: Any) -> Running:
        """One copy of the service in this event loop."""
        settings = self.settings(**more)
        process = Process(service(self.name, tally or Tally()), settings, only)
        running = Running(process, settings, asyncio.create_task(process.run()))
        running.task.add_done_callback(show_failure)
        self.running.append(running)
        return running

    async def publish(self, facts: Sequence[tuple[str, bytes]], topic: str = TOPICS[1], headers: Any = None) -> None:
        """Facts on a keyed topic, in order."""
        sent = [
            await self.producer.send(
                topic,
                value,
                key=key.encode(),
                partition=partition_of(key.encode(), self.partitions),
                headers=headers or [],
            )
            for key, value in facts
        ]
        await asyncio.gather(*sent)

    async def close_day(self, day: str) -> None:
        await self.producer.send_and_wait(CALENDAR, day_closed(day), partition=0)

    async def rows(self, statement: str, **values: Any) -> list[Any]:
        async with self.engine.connect() as connection:
            return list(await connection.execute(sa.text(statement), values))

    async def execute(self, statement: str, **values: Any) -> None:
        async with self.engine.begin() as connection:
            await connection.execute(sa.text(statement), values)

    async def effects(self) -> int:
        return int((await self.rows("SELECT count(*) FROM effect"))[0][0])

    async def applied(self, count: int, patience_s: float = PATIENCE_S) -> None:
        """Wait until that many facts took effect."""
        await until(lambda: self._has(count), f"{count} facts applied", patience_s)

    async def _has(self, count: int) -> bool:
        return await self.effects() >= count

    async def quiet(self) -> None:
        """Wait until Kafka has all that was emitted, and that is noted."""
        await until(self._relayed, "all outbox rows relayed")

    async def _relayed(self) -> bool:
        found = await self.rows(
            "SELECT 1 FROM shard s JOIN relay r USING (stream, partition) WHERE s.next_seq - 1 > r.relayed_seq"
        )
        return not found

    async def out(self) -> list[Out]:
        """Everything this rig's service put on any topic since the test began, in order of each partition."""
        return [
            Out(f"{r.topic}/{r.partition}", dict(r.headers)[SOURCE_HEADER].decode(), seq_of(r), subject_of(r))
            for r in await self.raw(*sorted({tp.topic for tp in self.starts}))
        ]

    async def raw(self, *topics: str) -> list[Any]:
        """The same as Kafka's records."""
        consumer = AIOKafkaConsumer(bootstrap_servers=self.kafka, enable_auto_commit=False)
        await consumer.start()
        try:
            places = [tp for tp in self.starts if tp.topic in topics]
            consumer.assign(places)
            ends = await consumer.end_offsets(places)
            found: list[Any] = []
            for tp in places:
                consumer.seek(tp, self.starts[tp])
            for tp in places:
                while await consumer.position(tp) < ends[tp]:
                    found += (await consumer.getmany(tp, timeout_ms=200)).get(tp, [])
        finally:
            await consumer.stop()
        return [r for r in found if dict(r.headers).get(SOURCE_HEADER, b"").startswith(self.name.encode() + b".")]

    async def assert_exact(self, count: int) -> list[Out]:
        """Each of `count` facts took effect once, was told once downstream, and sequences have no gap."""
        await self.applied(count)
        await self.quiet()
        assert await self.rows("SELECT id, times FROM effect WHERE times <> 1") == []
        assert await self.effects() == count
        everything = await self.out()
        out = [one for one in everything if one.place.startswith(f"{OUT}/")]
        seen = first_appearances(everything)
        told = sorted(one.subject for one in first_appearances(out))
        assert told == sorted(row[0] for row in await self.rows("SELECT id FROM effect"))
        for stream, partition, emitted in await self.rows("SELECT stream, partition, next_seq - 1 FROM shard"):
            seqs = sorted(one.seq for one in seen if one.source == f"{self.name}.{stream}.{partition}")
            assert seqs == list(range(1, emitted + 1)), f"{stream}.{partition} has gaps"
        await until(lambda: self._heard(count), f"{count} told facts heard downstream")
        assert await self.rows("SELECT subject, times FROM heard WHERE times <> 1") == []
        return out

    async def _heard(self, count: int) -> bool:
        return int((await self.rows("SELECT count(*) FROM heard"))[0][0]) >= count

    def database_url_through(self, port: int) -> str:
        """The same database behind another port."""
        return sa.make_url(self.database_url).set(port=port).render_as_string(hide_password=False)

    def database_address(self) -> tuple[str, int]:
        url = sa.make_url(self.database_url)
        return str(url.host), int(url.port or 5432)

    def program(self, **env: str) -> dict[str, str]:
        """The environment of a copy that runs as a program of its own."""
        return {
            **os.environ,
            "PYTHONPATH": os.getcwd(),
            "ARREARS_ENVIRONMENT": "local",
            "ARREARS_KAFKA_BOOTSTRAP": self.kafka,
            "ARREARS_DATABASE_URL": self.database_url,
            "ARREARS_HTTP_PORT": str(free_port()),
            "ARREARS_SESSION_TIMEOUT_S": "3",
            "ARREARS_TALLY_NAME": self.name,
            **env,
        }


async def start_program(rig: Rig, *arguments: str, **env: str) -> asyncio.subprocess.Process:
    """A copy as a program of its own."""
    program = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.integration.messaging.tally",
        *arguments,
        env=rig.program(**env),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    rig.programs.append(program)
    return program


async def _end(program: asyncio.subprocess.Process) -> None:
    """Kill a program that its test left running, as a failed one does, and show what it said."""
    if program.returncode is None:
        program.kill()
        output, _ = await program.communicate()
        print(f"program {program.pid}, killed at the end:", output.decode(errors="replace"), sep="\n")


@asynccontextmanager
async def rig_on(server: KafkaServer, database_url: str) -> AsyncIterator[Rig]:
    """On a broker that runs as long."""
    async with up(server), new_rig(server.bootstrap, database_url) as rig:
        yield rig


@asynccontextmanager
async def new_rig(kafka: str, database_url: str, partitions: int = PARTITIONS) -> AsyncIterator[Rig]:
    """A service nobody else knows, whose shards start at the present end of the topics, which are made if need be."""
    await create_topics(kafka, partitions)
    engine = create_async_engine(database_url, pool_size=2)
    async with engine.begin() as connection:
        await connection.run_sync(create)
    starts = await _ends(kafka, partitions)
    for partition in range(partitions):
        offsets = {t: starts[TopicPartition(t, partition)] for t in (*TOPICS, OUT)}
        offsets[CALENDAR] = starts[TopicPartition(CALENDAR, 0)]
        for stream in ("tally", "heard"):
            async with engine.begin() as connection:
                await connection.execute(
                    sa.text("INSERT INTO shard VALUES (:stream, :n, 0, 1, CAST(:offsets AS jsonb), '{}', '{}')"),
                    {"stream": stream, "n": partition, "offsets": json.dumps(offsets)},
                )
    producer = AIOKafkaProducer(bootstrap_servers=kafka, enable_idempotence=True, max_request_size=2_000_000)
    await producer.start()
    rig = Rig(kafka, database_url, engine, producer, f"tally{uuid.uuid4().hex[:8]}", starts, partitions)
    try:
        yield rig
    finally:
        for running in rig.running:
            if not running.task.done():
                await running.crash()
        for program in rig.programs:
            await _end(program)
        await rig.producer.stop()
        await engine.dispose()
        # What was cut off on purpose is found here, and not by whatever test comes next.
        gc.collect()


async def _ends(kafka: str, partitions: int) -> Mapping[TopicPartition, int]:
    consumer = AIOKafkaConsumer(bootstrap_servers=kafka, enable_auto_commit=False)
    await consumer.start()
    keyed = [topic for name in (*TOPICS, OUT) for topic in (name, f"{name}.dead-letter")]
    places = [TopicPartition(topic, n) for topic in keyed for n in range(partitions)]
    places += [TopicPartition(CALENDAR, 0), TopicPartition(f"{CALENDAR}.dead-letter", 0)]
    ends: Mapping[TopicPartition, int] = await consumer.end_offsets(places)
    await consumer.stop()
    return ends
