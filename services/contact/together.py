"""A group commit for HTTP commands: what comes in one go, or while one transaction commits, shares the next.

Each commit costs a write to disk; a hundred callers need not pay for a hundred. Everybody is answered after the
commit that holds their command.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, Generic, TypeVar

from shared.messaging import Commands, Transaction, retry
from shared.vocabulary.errors import Rejected, Unavailable

TOGETHER_MAX: Final = 200
QUIET_TURNS: Final = 3
"""A request that is already there takes at most so many turns of the event loop to become a command."""
WAITING_MAX: Final = 10_000

C = TypeVar("C")
A = TypeVar("A")
Apply = Callable[[Transaction, Sequence[C]], Awaitable[Sequence[A | Rejected]]]
"""Carries out commands in the transaction; an answer each, or the refusal of one that leaves no trace."""


class Together(Generic[C, A]):
    """Runs commands of one kind. `transactions` counts the commits: fewer than commands when there is much to do."""

    def __init__(self, commands: Commands, apply: Apply[C, A]) -> None:
        self.transactions = 0
        self._commands = commands
        self._apply = apply
        self._waiting: list[tuple[C, asyncio.Future[A]]] = []
        self._running: asyncio.Task[None] | None = None

    async def run(self, command: C) -> A:
        """The command's answer once it is committed. Raises its refusal, Unavailable, or what went wrong."""
        if len(self._waiting) >= WAITING_MAX:
            raise Unavailable("commands come faster than they can be written down")
        answered: asyncio.Future[A] = asyncio.get_running_loop().create_future()
        self._waiting.append((command, answered))
        if self._running is None or self._running.done():
            self._running = asyncio.create_task(self._drain())
        return await answered

    async def _drain(self) -> None:
        while self._waiting:
            await self._come_in()
            batch, self._waiting = self._waiting[:TOGETHER_MAX], self._waiting[TOGETHER_MAX:]
            await self._transact(batch)

    async def _come_in(self) -> None:
        """Let in those that are at the door: no time is waited for, only turns of the event loop that bring more."""
        came, quiet = len(self._waiting), 0
        while quiet < QUIET_TURNS and came < TOGETHER_MAX:
            await asyncio.sleep(0)
            quiet = quiet + 1 if came == len(self._waiting) else 0
            came = len(self._waiting)

    async def _transact(self, batch: list[tuple[C, asyncio.Future[A]]]) -> None:
        self.transactions += 1
        try:
            async with self._commands.transaction() as tx:
                answers = await self._apply(tx, [command for command, _ in batch])
        except Exception as error:  # it becomes the answer of whoever caused it
            if len(batch) > 1 and retry.is_bad_data(error):
                for one in batch:
                    await self._transact([one])
                return
            answers = [error] * len(batch)  # type: ignore[list-item]  # told apart below
        for (_, answered), answer in zip(batch, answers, strict=True):
            _settle(answered, answer)


def _settle(answered: asyncio.Future[A], answer: A | Exception) -> None:
    if answered.done():  # the caller went away
        return
    if isinstance(answer, Exception):
        answered.set_exception(answer)
    else:
        answered.set_result(answer)
