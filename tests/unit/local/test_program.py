"""A child process: its end, its log, its parent's death."""

import asyncio
import signal
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import psutil
import pytest

from deploy.local.program import Child, Program, ProgramError, run_to_end
from tests.waiting import until

DEAF = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(60)"
PARENT = """
import asyncio, sys
from pathlib import Path
from deploy.local.program import Child, Program
async def main():
    folder = Path(sys.argv[1])
    command = [sys.executable, "-c", "import time; time.sleep(60)"]
    child = await Child.start(Program("child", command, folder, folder / "child.log"))
    print(child.pid, flush=True)
    await child.wait()
asyncio.run(main())
"""


def program(script: str, folder: Path) -> Program:
    return Program("part", [sys.executable, "-c", script], folder, folder / "part.log")


async def test_a_deaf_program_is_killed_after_the_timeout(tmp_path: Path) -> None:
    child = await Child.start(program(DEAF, tmp_path))
    await child.until(lambda: "up" in child.program.log.read_text())
    assert not await child.stop(timeout_s=0.1)
    assert child.returncode == -signal.SIGKILL


async def test_an_obedient_program_ends_by_itself(tmp_path: Path) -> None:
    child = await Child.start(program("import time; time.sleep(60)", tmp_path))
    assert await child.stop()


async def test_a_program_that_ends_before_it_is_ready_shows_its_log(tmp_path: Path) -> None:
    child = await Child.start(program("print('port taken'); raise SystemExit(2)", tmp_path))
    with pytest.raises(ProgramError, match=r"(?s)ended with 2.*port taken"):
        await child.until(lambda: False)


async def test_a_program_that_is_not_ready_in_time_is_ended(tmp_path: Path) -> None:
    child = await Child.start(program("import time; time.sleep(60)", tmp_path))
    with pytest.raises(ProgramError, match="not ready after"):
        await child.until(lambda: False, timeout_s=0.1)
    assert await child.wait() == -signal.SIGKILL


async def test_a_failed_step_raises(tmp_path: Path) -> None:
    await run_to_end(program("", tmp_path))
    with pytest.raises(ProgramError, match="ended with 1"):
        await run_to_end(program("raise SystemExit(1)", tmp_path))


async def _until_never(one: Program) -> None:
    await (await Child.start(one)).until(lambda: False)


@pytest.mark.parametrize("run", [run_to_end, _until_never], ids=["to its end", "until it is ready"])
async def test_who_is_called_off_leaves_no_program_behind(
    run: Callable[[Program], Coroutine[Any, Any, None]], tmp_path: Path
) -> None:
    running = asyncio.create_task(
        run(program("import os, time; print(os.getpid(), flush=True); time.sleep(60)", tmp_path))
    )
    log = tmp_path / "part.log"
    await until(lambda: log.exists() and log.read_text().endswith("\n"), "the program to run")
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert not psutil.pid_exists(int(log.read_text()))


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's promise is Linux's")
async def test_a_child_dies_with_its_parent(tmp_path: Path) -> None:
    parent = await asyncio.create_subprocess_exec(
        sys.executable, "-c", PARENT, str(tmp_path), stdout=asyncio.subprocess.PIPE
    )
    assert parent.stdout is not None
    child = psutil.Process(int(await parent.stdout.readline()))
    parent.kill()
    await parent.wait()
    await asyncio.to_thread(child.wait, 5)
