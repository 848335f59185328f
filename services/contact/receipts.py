"""Delivery receipts, written down together: receipts that arrive while one transaction commits share the next."""

import asyncio
from typing import Final

from services.contact import reports
from services.contact.domain.attempt import State
from services.contact.reports import Report
from shared.messaging import Commands
from shared.vocabulary.errors import Rejected, Unavailable

TOGETHER_MAX: Final = 500
WAITING_MAX: Final = 10_000


class Receipts:
    """A group commit: each caller is answered after the transaction that holds its receipt.

    `transactions` counts them: fewer than receipts when there is much to write.
    """

    def __init__(self, commands: Commands) -> None:
        self.transactions = 0
        self._commands = commands
        self._waiting: list[tuple[Report, asyncio.Future[State]]] = []
        self._writing: asyncio.Task[None] | None = None

    async def take(self, report: Report) -> State:
        """The attempt's state once the receipt is committed; Rejected for an attempt, or message, not of ours."""
        if len(self._waiting) >= WAITING_MAX:
            raise Unavailable("receipts come faster than they can be written down")
        written: asyncio.Future[State] = asyncio.get_running_loop().create_future()
        self._waiting.append((report, written))
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write())
        return await written

    async def _write(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting[:TOGETHER_MAX], self._waiting[TOGETHER_MAX:]
            self.transactions += 1
            try:
                async with self._commands.transaction() as tx:
                    states = await reports.apply(tx, [report for report, _ in batch])
            except Exception as error:  # each caller gets it: it becomes their answer
                _answer_all(batch, error)
                continue
            for (_, written), state in zip(batch, states, strict=True):
                _answer(written, state or _UNKNOWN_ATTEMPT)


_UNKNOWN_ATTEMPT: Final = Rejected("attempt_not_found", "no attempt of that id and message was ever made")


def _answer(written: asyncio.Future[State], answer: State | Exception) -> None:
    if written.done():  # the caller went away
        return
    if isinstance(answer, Exception):
        written.set_exception(answer)
    else:
        written.set_result(answer)


def _answer_all(batch: list[tuple[Report, asyncio.Future[State]]], answer: Exception) -> None:
    for _, written in batch:
        _answer(written, answer)
