"""Kafka and PostgreSQL from their official images, for machines with a container engine.

Apart from parts.py because only this way needs testcontainers and an engine.
"""

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from pathlib import Path

import asyncpg
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError
from testcontainers.core.config import testcontainers_config
from testcontainers.core.container import DockerContainer

from deploy.local.ports import free_port

KAFKA_IMAGE, POSTGRES_IMAGE = "apache/kafka:4.3.0", "postgres:18"
ROLES = ("ingest", "strategy", "contact", "reporting", "bi")
SQL = Path(__file__).parent.parent / "deploy" / "postgres"
PATIENCE_S = 90

# The reaper is one more image to pull; `stop` ends what this run started.
testcontainers_config.ryuk_disabled = True


class ContainerParts:
    """The same two parts, in containers on free ports of this machine."""

    description = f"containers {KAFKA_IMAGE} and {POSTGRES_IMAGE}"

    def __init__(self, *, durable: bool = False) -> None:
        self._starting = asyncio.Lock()
        self._fsync = "on" if durable else "off"
        self._kafka_port = free_port()
        self._postgres_port = free_port()
        self._password = secrets.token_urlsafe(12)
        self._kafka: DockerContainer | None = None
        self._postgres: DockerContainer | None = None

    async def kafka(self) -> str:
        bootstrap = f"127.0.0.1:{self._kafka_port}"
        async with self._starting:
            if self._kafka is None:
                self._kafka = await asyncio.to_thread(_kafka_container(self._kafka_port).start)
                await _until_it_answers(lambda: _ask_kafka(bootstrap))
        return bootstrap

    async def postgres_url(self, role: str, database: str = "arrears", scheme: str = "postgresql") -> str:
        url = f"{role}:{self._password}@127.0.0.1:{self._postgres_port}/{database}"
        async with self._starting:
            if self._postgres is None:
                container = _postgres_container(self._postgres_port, self._password, self._fsync)
                self._postgres = await asyncio.to_thread(container.start)
                await _until_it_answers(lambda: _ask_postgres(f"postgresql://{url}"))
        return f"{scheme}://{url}"

    async def stop(self) -> None:
        for container in (self._kafka, self._postgres):
            if container is not None:
                await asyncio.to_thread(container.stop)


def _kafka_container(port: int) -> DockerContainer:
    settings = {
        "KAFKA_NODE_ID": "1",
        "KAFKA_PROCESS_ROLES": "broker,controller",
        "KAFKA_CONTROLLER_QUORUM_VOTERS": "1@localhost:9093",
        "KAFKA_LISTENERS": f"PLAINTEXT://0.0.0.0:{port},CONTROLLER://localhost:9093",
        "KAFKA_ADVERTISED_LISTENERS": f"PLAINTEXT://127.0.0.1:{port}",
        "KAFKA_CONTROLLER_LISTENER_NAMES": "CONTROLLER",
        "KAFKA_LISTENER_SECURITY_PROTOCOL_MAP": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "KAFKA_AUTO_CREATE_TOPICS_ENABLE": "false",
        "KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR": "1",
        "KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR": "1",
        "KAFKA_TRANSACTION_STATE_LOG_MIN_ISR": "1",
        "KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS": "0",
        "KAFKA_GROUP_MIN_SESSION_TIMEOUT_MS": "1000",
    }
    container = DockerContainer(KAFKA_IMAGE).with_bind_ports(port, port)
    return container.with_envs(**settings)


def _postgres_container(port: int, password: str, fsync: str) -> DockerContainer:
    passwords = {f"ARREARS_{role.upper()}_PASSWORD": password for role in ROLES}
    container = DockerContainer(POSTGRES_IMAGE).with_bind_ports(5432, port)
    container = container.with_command(["postgres", "-c", f"fsync={fsync}"])
    container = container.with_envs(POSTGRES_PASSWORD=password, POSTGRES_DB="arrears", **passwords)
    for order, name in enumerate(("roles.sql", "schemas.sql")):
        container = container.with_volume_mapping(str(SQL / name), f"/docker-entrypoint-initdb.d/{order}-{name}", "ro")
    return container


async def _until_it_answers(ask: Callable[[], Awaitable[None]]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while True:
            try:
                return await ask()
            except (KafkaError, OSError, asyncpg.PostgresError):
                await asyncio.sleep(0.2)


async def _ask_kafka(bootstrap: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    try:
        await admin.start()
    finally:
        await admin.close()


async def _ask_postgres(url: str) -> None:
    connection = await asyncpg.connect(url)
    await connection.close()
