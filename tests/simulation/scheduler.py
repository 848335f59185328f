"""An event loop without a machine: time passes only when nothing is left to do, and then at once.

Apart from the world because it knows nothing of Arrears. Tasks run in asyncio's own order; what a seed varies is how
long each call to the broker or the store takes.
"""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")

STEPS_MAX = 60_000
"""Rounds of the loop in one run; more mean that something spins without waiting for anything."""


class Restless(Exception):  # noqa: N818  a finding, not a failure
    """The system went on and on: a busy loop."""


class VirtualLoop(asyncio.BaseEventLoop):
    """asyncio's loop with its selector replaced by a jump to the next timer."""

    def __init__(self) -> None:
        super().__init__()
        self._selector = self
        self._now_s = 0.0
        self._steps = 0

    def time(self) -> float:
        return self._now_s

    def select(self, timeout_s: float | None) -> list[Any]:
        """What `BaseEventLoop` calls between two rounds: nothing from outside ever comes."""
        self._steps += 1
        if self._steps > STEPS_MAX:
            self._steps = 0
            raise Restless(f"{STEPS_MAX} rounds at {self._now_s:.3f} s")
        if timeout_s is None:
            raise RuntimeError("every task waits for something that nobody will do")
        self._now_s += max(0.0, timeout_s)
        return []

    def _process_events(self, event_list: list[Any]) -> None:
        return

    def _write_to_self(self) -> None:
        return


def run(main: Coroutine[Any, Any, T]) -> T:
    """Run to the end, then cut off whatever else is left."""
    loop = VirtualLoop()
    loop.set_exception_handler(lambda *_: None)
    try:
        return loop.run_until_complete(main)
    finally:
        loop._steps = 0
        left = asyncio.all_tasks(loop)
        for task in left:
            task.cancel()
        loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
        loop.close()
