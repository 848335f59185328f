"""The local system on its real parts, with stand-ins for the services."""

import asyncio
import os
import signal
import stat
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import httpx
import psutil
import pytest

from deploy.local.addresses import Addresses, read_addresses
from deploy.local.environments import PROJECT, Commands
from deploy.local.folder import FolderBusyError, clean
from deploy.local.keeper import GaveUpError
from deploy.local.program import ProgramError
from deploy.local.supervisor import LocalSystem

READY = """
import http.server, json, os, signal, sys
class Door(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.end_headers()
        self.wfile.write(json.dumps({k: v for k, v in os.environ.items() if k.startswith("ARREARS_")}).encode())
    def log_message(self, *words): pass
signal.signal(signal.SIGTERM, lambda *_: (print("drained", flush=True), sys.exit(0)))
http.server.HTTPServer(("127.0.0.1", int(os.environ["ARREARS_HTTP_PORT"])), Door).serve_forever()
"""
CRASHES = "print('cannot find my ledger', flush=True); raise SystemExit(4)"
CRASHES_LATER = f"""
import os, pathlib, sys
once = pathlib.Path(os.environ["ARREARS_LOCAL_FOLDER"]) / "once"
if once.exists(): {CRASHES}
once.touch()
{READY}
"""


@dataclass(frozen=True)
class StandIns(Commands):
    script: str = READY
    migrate: Sequence[str] | None = None

    def service(self, name: str) -> Sequence[str]:
        return (sys.executable, "-c", self.script)


def alive(addresses: Addresses) -> list[str]:
    return [name for name, pid in addresses.pids.items() if pid is not None and psutil.pid_exists(pid)]


async def test_a_life_start_settings_kill_stop_and_start_again(folder: Path) -> None:
    async with LocalSystem(folder, services=("ingest", "contact"), commands=StandIns()) as system:
        first = system.addresses
        assert sorted(alive(first)) == ["contact", "ingest", "kafka", "mailbox", "postgres"]
        assert stat.S_IMODE((folder / "addresses.json").stat().st_mode) == 0o600
        assert read_addresses(folder / "addresses.json") == first
        await _settings_reach_the_services(first)
        connection = await asyncpg.connect(first.postgres["ingest"])
        await connection.execute("CREATE TABLE kept AS SELECT 1 AS n")
        await connection.close()
        with pytest.raises(FolderBusyError, match=f"process {os.getpid()}"):
            await LocalSystem(folder).__aenter__()

        await system.kill("ingest")
        await system.until_ready("ingest")
        again = read_addresses(folder / "addresses.json")
        assert again.http == first.http
        assert again.pids["ingest"] not in (None, first.pids["ingest"])
    assert alive(again) == []
    assert not (folder / "addresses.json").exists()
    assert "drained" in (folder / "logs" / "ingest.log").read_text()

    async with LocalSystem(folder, services=()) as system:
        assert system.addresses.kafka == first.kafka
        connection = await asyncpg.connect(system.addresses.postgres["ingest"])
        assert await connection.fetchval("SELECT n FROM kept") == 1
        await connection.close()
    clean(folder)
    _is_gone(folder)


async def _settings_reach_the_services(addresses: Addresses) -> None:
    async with httpx.AsyncClient() as client:
        ingest = (await client.get(addresses.http["ingest"])).json()
        contact = (await client.get(addresses.http["contact"])).json()
    assert ingest["ARREARS_DATABASE_URL"] == addresses.postgres["ingest"].replace("postgresql", "postgresql+asyncpg")
    assert ingest["ARREARS_KAFKA_BOOTSTRAP"] == addresses.kafka
    assert (ingest["ARREARS_ENVIRONMENT"], ingest["ARREARS_CLOCK"]) == ("local", "system")
    assert "ARREARS_SMS_AUTH_TOKEN" not in ingest
    assert contact["ARREARS_SMS_CALLBACK_URL"] == f"{addresses.http['contact']}/providers/sms/status"
    assert contact["ARREARS_SMS_URL"] == addresses.sms_gateway


async def test_a_service_that_cannot_start_ends_the_start_with_its_log_and_leaves_nothing(folder: Path) -> None:
    with pytest.raises(ProgramError, match=r"(?s)ingest ended with 4.*cannot find my ledger"):
        async with LocalSystem(folder, services=("ingest",), commands=StandIns(script=CRASHES)):
            pytest.fail("it must not come up")
    assert _processes_of(folder) == []


async def test_a_service_that_keeps_failing_is_given_up(folder: Path) -> None:
    said: list[str] = []
    commands = StandIns(script=CRASHES_LATER)
    async with LocalSystem(folder, services=("ingest",), commands=commands, tell=said.append) as system:
        await system.kill("ingest")
        with pytest.raises(GaveUpError, match="ingest failed 5 times"):
            await system.trouble
    assert sum("cannot find my ledger" in line for line in said) == 4


async def test_what_a_killed_run_left_is_stopped_and_the_data_used_again(folder: Path) -> None:
    script = f"""
import asyncio, signal, sys
from pathlib import Path
from deploy.local import program
from deploy.local.supervisor import LocalSystem
program.PR_SET_PDEATHSIG = 0  # orphans survive, as they would on a system without the kernel's promise
async def main():
    async with LocalSystem(Path({str(folder)!r}), services=()) as system:
        print("up", flush=True)
        await asyncio.sleep(600)
asyncio.run(main())
"""
    run = await asyncio.create_subprocess_exec(
        sys.executable, "-c", script, cwd=PROJECT, stdout=asyncio.subprocess.PIPE
    )
    assert run.stdout is not None
    assert await run.stdout.readline() == b"up\n"
    before = read_addresses(folder / "addresses.json")
    run.send_signal(signal.SIGKILL)
    await run.wait()
    assert sorted(alive(before)) == ["kafka", "mailbox", "postgres"]
    async with LocalSystem(folder, services=()) as system:
        assert alive(before) == []
        assert system.addresses.kafka == before.kafka
        assert sorted(alive(system.addresses)) == ["kafka", "mailbox", "postgres"]


def _is_gone(folder: Path) -> None:
    assert not folder.exists()


def _processes_of(folder: Path) -> list[str]:
    return [p.name() for p in psutil.process_iter(["cwd"]) if (p.info["cwd"] or "").startswith(str(folder))]
