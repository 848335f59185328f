"""The local system: parts, migrations, topics and services, started together and stopped in order.

`make live`, the demo and the end-to-end tests all run this one class.
"""

import asyncio
import secrets
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Self

from deploy.local.addresses import Addresses
from deploy.local.environments import (  # fmt: skip
    PROJECT,
    SERVICES,
    Commands,
    Options,
    SmsAccount,
    migration_environment,
    service_environment,
    surroundings,
)
from deploy.local.folder import LOCAL, assign_ports, held, put_logs_aside
from deploy.local.health import is_ready
from deploy.local.kafka import KafkaServer
from deploy.local.keeper import Keeper, Tell
from deploy.local.leftovers import stop_java_in, stop_marked, stop_postgres_in
from deploy.local.ports import accepts
from deploy.local.postgres import ROLES, PostgresServer
from deploy.local.program import Child, Program, ProgramError, run_to_end
from deploy.topics import create_topics

READY_TIMEOUT_S = 120.0
MAILBOX_DOORS = ("smtp", "smtp_http", "sms_gateway")


def _silent(line: str) -> None:
    """Nobody listens."""


class LocalSystem:
    """`async with LocalSystem(folder) as system:` runs the parts and the services; `system.addresses` says where.

    `timings` has the seconds of each phase of the start. `trouble` is a future that fails with GaveUpError when a part
    cannot be kept running; await it to learn of that.
    """

    def __init__(
        self,
        folder: Path = LOCAL,
        *,
        services: Sequence[str] = SERVICES,
        options: Options | None = None,
        commands: Commands | None = None,
        tell: Tell = _silent,
    ) -> None:
        self.timings: dict[str, float] = {}
        self.trouble: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._folder = folder.absolute()
        self._services = tuple(services)
        self._options = options or Options()
        self._commands = commands or Commands()
        self._tell = tell
        self._account = SmsAccount("AC" + secrets.token_hex(16), secrets.token_hex(16))
        self._keepers: dict[str, Keeper] = {}
        self._watches: dict[str, asyncio.Task[None]] = {}
        self._holding = ExitStack()
        self._addresses: Addresses | None = None

    @property
    def addresses(self) -> Addresses:
        """Where everything is, once it runs."""
        if self._addresses is None:
            raise RuntimeError("the local system does not run")
        return replace(self._addresses, pids={name: keeper.pid for name, keeper in self._keepers.items()})

    async def __aenter__(self) -> Self:
        try:
            with self._phase("everything"):
                await self._start()
        except BaseException as error:
            await self.stop()
            raise _innermost(error) from None
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def kill(self, name: str) -> None:
        """SIGKILL to one part or service, as a crash would; it is brought up again as after a crash."""
        await self._keepers[name].kill()

    async def until_ready(self, name: str) -> None:
        """Return when the service answers its readiness check; raise ProgramError when it does not get there."""
        keeper, url = self._keepers[name], self.addresses.http[name]
        deadline = time.monotonic() + READY_TIMEOUT_S
        while not await asyncio.to_thread(is_ready, url):
            if time.monotonic() > deadline or (keeper.pid is None and not self._watches):
                raise ProgramError(f"{name} does not become ready: {keeper.obituary()}")
            await asyncio.sleep(0.05)

    @asynccontextmanager
    async def services_stopped(self) -> AsyncIterator[dict[str, dict[str, str]]]:
        """The services end in order and start again after the block; it gets the environment of each for commands."""
        await self._unwatch(self._services)
        await asyncio.gather(*(self._keepers[name].stop() for name in self._services))
        yield {name: self._environment(name) for name in self._services}
        await asyncio.gather(*(self._bring_up_service(name) for name in self._services))
        self._watch_over(self._services)
        self._publish()

    async def stop(self) -> None:
        """Services first, which drain into the parts; then the parts. What does not end in time is killed."""
        await self._unwatch(list(self._watches))
        services = [keeper for name, keeper in self._keepers.items() if name in self._services]
        parts = [keeper for name, keeper in self._keepers.items() if name not in self._services]
        for group in (services, parts):
            await asyncio.gather(*(keeper.stop() for keeper in group))
        (self._folder / "addresses.json").unlink(missing_ok=True)
        self._keepers.clear()
        self._holding.close()

    async def _start(self) -> None:
        self._holding.enter_context(held(self._folder))
        stop_java_in(self._folder / "kafka")
        stop_postgres_in(self._folder / "postgres" / "data")
        for ended in stop_marked(self._folder):
            self._tell(f"stopped what an earlier run left: {ended}")
        put_logs_aside(self._folder / "logs")
        ports = assign_ports(self._folder, ["kafka", "postgres", *MAILBOX_DOORS, *self._services])
        kafka = KafkaServer(self._folder / "kafka", self._log("kafka"), ports["kafka"])
        durable = self._options.durable
        postgres = PostgresServer(self._folder / "postgres", self._log("postgres"), ports["postgres"], durable=durable)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._bring_up_mailbox(ports))
            tasks.create_task(self._bring_up_kafka(kafka))
            tasks.create_task(self._bring_up_services(ports, kafka, postgres))
        self._watch_over(list(self._keepers))
        self._publish()

    async def _bring_up_mailbox(self, ports: dict[str, int]) -> None:
        with self._phase("mailbox"):
            await self._keep("mailbox", lambda: self._start_mailbox(ports))

    async def _bring_up_kafka(self, kafka: KafkaServer) -> None:
        with self._phase("kafka"):
            await self._keep("kafka", kafka.start)
        with self._phase("topics"):
            await create_topics(kafka.bootstrap, self._options.partitions)

    async def _bring_up_services(self, ports: dict[str, int], kafka: KafkaServer, postgres: PostgresServer) -> None:
        """Services need their tables; for Kafka and the topics they wait by themselves, importing meanwhile."""
        with self._phase("postgres"):
            await self._keep("postgres", postgres.start)
        self._addresses = Addresses(
            kafka=kafka.bootstrap,
            postgres={role: postgres.url(role) for role in ROLES},
            http={name: f"http://127.0.0.1:{ports[name]}" for name in self._services},
            smtp=f"127.0.0.1:{ports['smtp']}",
            smtp_http=f"http://127.0.0.1:{ports['smtp_http']}",
            sms_gateway=f"http://127.0.0.1:{ports['sms_gateway']}",
        )
        if self._services and self._commands.migrate:
            with self._phase("migrations"):
                await run_to_end(
                    self._program("migrations", self._commands.migrate, migration_environment(self._addresses))
                )
        with self._phase("services"):
            await asyncio.gather(*(self._bring_up_service(name) for name in self._services))

    async def _bring_up_service(self, name: str) -> None:
        await self._keep(name, self._service_start(name))
        with self._phase(name):
            await self.until_ready(name)

    def _service_start(self, name: str) -> Callable[[], Awaitable[Child]]:
        program = self._program(name, self._commands.service(name), self._environment(name))
        return lambda: Child.start(program)

    def _environment(self, name: str) -> dict[str, str]:
        return service_environment(name, self.addresses, self._account, self._options)

    async def _start_mailbox(self, ports: dict[str, int]) -> Child:
        doors = [word for name in MAILBOX_DOORS for word in (f"--{name.replace('_', '-')}-port", str(ports[name]))]
        command = [sys.executable, "-m", "deploy.local.mailbox", *doors, "--undelivered", self._options.undelivered]
        child = await Child.start(self._program("mailbox", command, self._account.environment))
        await child.until(lambda: all(accepts(ports[name]) for name in MAILBOX_DOORS))
        return child

    async def _keep(self, name: str, start: Callable[[], Awaitable[Child]]) -> None:
        self._keepers[name] = Keeper(name, start, self._noted)
        await self._keepers[name].start()

    def _watch_over(self, names: Sequence[str]) -> None:
        self._watches |= {name: asyncio.create_task(self._watch(self._keepers[name])) for name in names}

    async def _unwatch(self, names: Sequence[str]) -> None:
        ended = [watch for name in names if (watch := self._watches.pop(name, None))]
        for watch in ended:
            watch.cancel()
        await asyncio.gather(*ended, return_exceptions=True)

    async def _watch(self, keeper: Keeper) -> None:
        try:
            await keeper.watch()
        except Exception as error:
            self._tell(str(error))
            if not self.trouble.done():
                self.trouble.set_exception(error)
                self.trouble.exception()  # nobody has to await it

    def _noted(self, line: str) -> None:
        """A part has gone or come back: say so, and show its new pid."""
        self._tell(line)
        if self._watches:
            self._publish()

    def _publish(self) -> None:
        self.addresses.write(self._folder / "addresses.json")

    def _program(self, name: str, command: Sequence[str], settings: dict[str, str]) -> Program:
        environment = {**surroundings(self._folder), **settings}
        return Program(name, command, cwd=PROJECT, log=self._log(name), environment=environment)

    def _log(self, name: str) -> Path:
        return self._folder / "logs" / f"{name}.log"

    @contextmanager
    def _phase(self, name: str) -> Iterator[None]:
        started = time.monotonic()
        yield
        self.timings[name] = time.monotonic() - started
        self._tell(f"{name}: {self.timings[name]:.1f} s")


def _innermost(error: BaseException) -> BaseException:
    return _innermost(error.exceptions[0]) if isinstance(error, BaseExceptionGroup) else error
