"""A program run as a child: started apart from the terminal, logged to a file, gone when its parent is gone.

Apart from what is run (Kafka, PostgreSQL, a service), because each of them needs exactly this.
"""

import asyncio
import ctypes
import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from deploy.local.tail import last_lines

PR_SET_PDEATHSIG = 1


class ProgramError(Exception):
    """A program ended, or did not come up, when it should be running."""


@dataclass(frozen=True)
class Program:
    """What to run: `user` is a numeric id to run as, `stop_signal` asks it to end in order, `death_signal` reaches it
    when the parent dies without asking."""

    name: str
    command: Sequence[str | Path]
    cwd: Path
    log: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    user: int | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    death_signal: signal.Signals = signal.SIGKILL


class Child:
    """A running program."""

    def __init__(self, program: Program, process: asyncio.subprocess.Process) -> None:
        self.program = program
        self._process = process

    @classmethod
    async def start(cls, program: Program) -> "Child":
        """Start the program in a session of its own, so that Ctrl-C at the terminal reaches the parent only."""
        program.log.parent.mkdir(parents=True, exist_ok=True)
        with program.log.open("ab") as log:
            process = await asyncio.create_subprocess_exec(
                *(str(word) for word in program.command),
                cwd=program.cwd,
                env=dict(program.environment),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=_before_exec(program),
            )
        return cls(program, process)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        """None while it runs; negative after a signal."""
        return self._process.returncode

    async def wait(self) -> int:
        return await self._process.wait()

    def kill(self) -> None:
        """SIGKILL; nothing when it has ended."""
        self._signal(signal.SIGKILL)

    async def end(self) -> None:
        """SIGKILL where it still runs; it is gone then."""
        self.kill()
        await self.wait()

    async def stop(self, timeout_s: float = 20) -> bool:
        """Ask it to end and wait; after the timeout kill it. Says whether it ended by itself."""
        self._signal(self.program.stop_signal)
        try:
            await asyncio.wait_for(self.wait(), timeout_s)
        except TimeoutError:
            await self.end()
            return False
        return True

    def ensure_running(self) -> None:
        """Raise ProgramError with the end of the log when the program has ended."""
        if self.returncode is not None:
            raise ProgramError(self.obituary())

    def obituary(self) -> str:
        """How it ended, and the last lines that it logged."""
        code = self.returncode
        how = "is running" if code is None else f"ended by {_signal_name(code)}" if code < 0 else f"ended with {code}"
        return f"{self.program.name} {how}; the end of {self.program.log}:\n{last_lines(self.program.log)}"

    async def until(self, ready: Callable[[], bool], timeout_s: float = 120) -> None:
        """Poll `ready` until it holds. When the program ends or the time is over, end it and raise ProgramError."""
        try:
            async with asyncio.timeout(timeout_s):
                while not ready():
                    self.ensure_running()
                    await asyncio.sleep(0.02)
        except TimeoutError:
            raise ProgramError(f"not ready after {timeout_s:g} s: {self.obituary()}") from None
        finally:
            if not ready():
                await self.end()

    def _signal(self, number: signal.Signals) -> None:
        if self._process.returncode is None:
            try:
                self._process.send_signal(number)
            except ProcessLookupError:
                return  # it ended between the two lines


async def run_to_end(program: Program) -> None:
    """Run a program that ends by itself; raise ProgramError when it ends badly."""
    child = await Child.start(program)
    try:
        code = await child.wait()
    finally:
        await child.end()  # who is called off leaves nothing behind
    if code != 0:
        raise ProgramError(child.obituary())


def _signal_name(code: int) -> str:
    return signal.Signals(-code).name


def _before_exec(program: Program) -> Callable[[], None]:
    """What the child does between fork and exec: become the user, then ask for a signal when the parent dies.

    In this order, since a change of user clears that wish. Not left to the event loop, as uvloop knows no users.
    """
    parent = os.getpid()
    prctl = ctypes.CDLL(None, use_errno=True).prctl if sys.platform.startswith("linux") else None

    def before_exec() -> None:
        if program.user is not None:
            os.setgroups([])
            os.setgid(program.user)
            os.setuid(program.user)
        if prctl is not None:
            prctl(PR_SET_PDEATHSIG, int(program.death_signal))
        if os.getppid() != parent:
            os._exit(1)  # the parent died before the line above

    return before_exec
