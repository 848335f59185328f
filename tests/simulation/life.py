"""One life of a simulated process: what it may still do, and how long each of its calls takes.

Every call to the broker or the store passes `reach` before it takes effect and `back` after it. There a process that
was killed ends, one that was stopped stands still, and time passes; code of the loop itself runs undisturbed.
"""

import asyncio
from collections.abc import Callable
from random import Random
from typing import Any, Literal

Trap = Literal[
    "die_before_commit", "die_after_commit", "lose_before_commit", "lose_after_commit",
    "die_before_send", "die_after_send", "ack_lost", "refused", "late",
]  # fmt: skip
"""What happens at the next commit or send of a life, once."""

LATENCY_S = 0.004
SLOW_S = 0.3
SLOW_SHARE = 0.02


class Life:
    """From a start to a crash or an orderly end."""

    def __init__(self, name: str, chance: Random, say: Callable[..., None], on_death: Callable[["Life"], None]) -> None:
        self.name = name
        self.chance = chance
        self.say = say
        self.dead = False
        self.traps: list[Trap] = []
        self.cut_off_at_ms: int | None = None
        """Since when no call to the broker comes through; the store is in reach."""
        self._on_death = on_death
        self._going = asyncio.Event()
        self._going.set()

    @property
    def cut_off(self) -> bool:
        return self.cut_off_at_ms is not None

    @property
    def paused(self) -> bool:
        return not self._going.is_set()

    def pause(self) -> None:
        """SIGSTOP: from its next call on it stands still."""
        self._going.clear()

    def resume(self) -> None:
        """SIGCONT."""
        self._going.set()

    def end(self) -> None:
        """SIGKILL: nothing it does has an effect any more."""
        if not self.dead:
            self.dead = True
            self._going.set()
            self._on_death(self)

    def trapped(self, *traps: Trap) -> Trap | None:
        """The first of these that was laid for this life; it is sprung now."""
        for trap in traps:
            if trap in self.traps:
                self.traps.remove(trap)
                self.say(self.name, trap)
                return trap
        return None

    async def reach(self) -> None:
        """The way to the other party."""
        slow = self.chance.random() < SLOW_SHARE
        await asyncio.sleep(self.chance.random() * (SLOW_S if slow else LATENCY_S))
        await self.back()

    async def back(self) -> None:
        """The way back; a life that is over hears no answer."""
        while self.paused and not self.dead:
            await self._going.wait()
        if self.dead:
            raise asyncio.CancelledError

    async def forever(self) -> Any:
        """No answer ever comes."""
        await asyncio.Event().wait()
