"""A function run in a process forked from this one, with a bound on what it takes.

Apart from what is run there (`trial`).
"""

import os
import resource
import signal
from collections.abc import Callable
from typing import Final, NamedTuple

MEMORY_BYTES: Final = 8 << 30
DIED: Final = "the end of the process"


class Child(NamedTuple):
    """A process and where it writes what it found."""

    pid: int
    reading: int

    def found(self) -> str:
        """Waits for it; DIED where it was ended by what it did."""
        with os.fdopen(self.reading) as pipe:
            found = pipe.read()
        _, status = os.waitpid(self.pid, 0)
        return DIED if status else found


def forked(find: Callable[[], str]) -> Child:
    """Runs it in a child, its output thrown away."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid:
        os.close(writing)
        return Child(pid, reading)
    found = "an error outside of tests"
    try:
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
        _hush()
        found = find()
    finally:
        with os.fdopen(writing, "w") as pipe:
            pipe.write(found)
        os._exit(0)


def bound_cpu(seconds: float) -> None:
    """This process ends when it has computed for so long from now on."""
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)


def _hush() -> None:
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
