"""Keeping a program running, with tiny real programs."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from deploy.local import keeper as keeping
from deploy.local.keeper import GaveUpError, Keeper
from deploy.local.program import Child, Program, ProgramError

SLEEPS = "import time; time.sleep(60)"
FAILS = "print('no ledger today', flush=True); raise SystemExit(3)"


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeping, "PAUSE_FIRST_S", 0.01)
    monkeypatch.setattr(keeping, "PAUSE_MAX_S", 0.01)


def starting(script: str, folder: Path) -> Callable[[], Awaitable[Child]]:
    program = Program("part", [sys.executable, "-c", script], folder, folder / "part.log")
    return lambda: Child.start(program)


async def test_a_killed_program_is_started_again_and_that_is_said(tmp_path: Path) -> None:
    said: list[str] = []
    keeper = Keeper("part", starting(SLEEPS, tmp_path), said.append)
    await keeper.start()
    first = keeper.pid
    watch = asyncio.create_task(keeper.watch())
    await keeper.kill()
    while keeper.pid is None:  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    assert keeper.pid != first
    assert (keeper.restarts, len(said)) == (1, 2)
    assert "part ended by SIGKILL" in said[0]
    watch.cancel()
    await keeper.stop()
    assert keeper.pid is None


async def test_it_gives_up_after_a_run_of_quick_failures_with_the_log_said(tmp_path: Path) -> None:
    said: list[str] = []
    keeper = Keeper("part", starting(FAILS, tmp_path), said.append)
    await keeper.start()
    with pytest.raises(GaveUpError, match="part failed 5 times"):
        await keeper.watch()
    assert keeper.restarts == 4
    assert "ended with 3" in said[0]
    assert "no ledger today" in said[0]


async def test_a_start_that_raises_counts_as_a_failure(tmp_path: Path) -> None:
    starts = iter([starting("", tmp_path)])

    async def start() -> Child:
        following = next(starts, None)
        if following is None:
            raise ProgramError("the port is taken")
        return await following()

    said: list[str] = []
    keeper = Keeper("part", start, said.append)
    await keeper.start()
    with pytest.raises(GaveUpError):
        await keeper.watch()
    assert said.count("the port is taken") == 4
