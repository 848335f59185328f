"""Carrying out planned actions: each kind says which records come of it and what is planned next."""

from collections.abc import Callable, Iterator
from datetime import date, timedelta
from random import Random
from typing import Final

from deploy.local.portfolio.accounts import Account
from deploy.local.portfolio.actions import Action, Kind
from deploy.local.portfolio.book import Book
from deploy.local.portfolio.days import business_day
from deploy.local.portfolio.writer import Record, Writer

CHANNELS: Final = {"loan": "direct-debit", "card": "transfer"}
Records = Iterator[Record]


class Conduct:
    """Performs actions on accounts. `ended` holds the slots that are billed no more."""

    def __init__(
        self, book: Book, writer: Writer, plan: Callable[[Action], None], hold: Callable[[date, Record], bool]
    ) -> None:
        self.ended: set[int] = set()
        self._book = book
        self._writer = writer
        self._plan = plan
        self._hold = hold
        self._of: dict[Kind, Callable[[Action, Account, Random], Records]] = {
            "adjust": self._adjust,
            "cancel": self._cancel,
            "charge back": self._charge_back,
            "close": self._close,
            "debit, charged back": self._debit,
            "debit, returned": self._debit,
            "pause": self._pause,
            "pay promised": self._pay_promised,
            "reage": self._reage,
            "repay": self._repay,
            "resume": self._resume,
            "return": self._return,
            "settle": self._settle,
            "transfer": self._transfer,
            "undo reage": self._undo_reage,
            "write off": self._write_off,
        }

    def perform(self, action: Action, a: Account, rng: Random) -> Records:
        """The records of one action."""
        return self._of[action.kind](action, a, rng)

    def _pays(self, a: Account, minor: int, on: date) -> Records:
        if minor > 0:
            self._book.pay(a.slot, minor)
            yield self._writer.repayment(a, minor, on, "transfer")[1]

    def _repay(self, action: Action, a: Account, rng: Random) -> Records:
        return self._pays(a, min(action.minor, self._book.owed(a.slot)), action.on)

    def _settle(self, action: Action, a: Account, rng: Random) -> Records:
        return self._pays(a, self._book.owed(a.slot, before=action.on), action.on)

    def _pay_promised(self, action: Action, a: Account, rng: Random) -> Records:
        return self._pays(a, action.minor, action.on)

    def _transfer(self, action: Action, a: Account, rng: Random) -> Records:
        if a.slot not in self.ended:
            yield self._writer.repayment(a, action.minor, action.on, CHANNELS[a.kind])[1]

    def _debit(self, action: Action, a: Account, rng: Random) -> Records:
        """Money that will go back; of some returned debits the return is known before the repayment."""
        repayment_id, record = self._writer.repayment(a, action.minor, action.on, "direct-debit")
        kind: Kind = "return" if action.kind == "debit, returned" else "charge back"
        back = Action(action.on + timedelta(days=action.days), a.slot, kind, repayment_id, action.minor)
        self._plan(back)
        arrives = business_day(business_day(back.on) + timedelta(days=1))
        if kind == "charge back" or rng.random() > 0.25 or not self._hold(arrives, record):
            yield record

    def _return(self, action: Action, a: Account, rng: Random) -> Records:
        self._owes_again(action, a, rng)
        yield self._writer.reversed(a, action.ref, action.on)

    def _charge_back(self, action: Action, a: Account, rng: Random) -> Records:
        self._owes_again(action, a, rng)
        yield self._writer.charged_back(a, action.ref, action.on)

    def _owes_again(self, action: Action, a: Account, rng: Random) -> None:
        self._book.owe(a.slot, action.on, action.minor)
        if rng.random() < 0.85:
            self._plan(Action(action.on + timedelta(days=rng.randint(3, 20)), a.slot, "settle"))

    def _adjust(self, action: Action, a: Account, rng: Random) -> Records:
        yield self._writer.adjusted(a, action.ref, action.minor, action.on)

    def _cancel(self, action: Action, a: Account, rng: Random) -> Records:
        yield self._writer.cancelled(a, action.ref, action.on)

    def _close(self, action: Action, a: Account, rng: Random) -> Records:
        """Only an account that owes nothing is closed."""
        if a.slot not in self._book:
            self.ended.add(a.slot)
            yield self._writer.closed(a, action.on)

    def _write_off(self, action: Action, a: Account, rng: Random) -> Records:
        """The debt is lost; some still repay a part of it later."""
        if a.slot in self.ended:
            return
        self.ended.add(a.slot)
        owed = self._book.owed(a.slot)
        if rng.random() < 0.3:
            later = action.on + timedelta(days=rng.randint(20, 90))
            self._plan(Action(later, a.slot, "repay", minor=owed * rng.randint(10, 50) // 100))
        yield self._writer.written_off(a, max(owed, a.exposure_minor(0)), action.on)

    def _pause(self, action: Action, a: Account, rng: Random) -> Records:
        """Some pauses say when they end, others are resumed."""
        end = action.on + timedelta(days=action.days)
        if not action.minor:
            self._plan(Action(end, a.slot, "resume", action.ref))
        yield self._writer.paused(a, action.ref, action.on, end if action.minor else None)

    def _resume(self, action: Action, a: Account, rng: Random) -> Records:
        yield self._writer.resumed(a, action.ref, action.on)

    def _reage(self, action: Action, a: Account, rng: Random) -> Records:
        """An agreement; a few are undone after some days."""
        if action.days:
            later = action.on + timedelta(days=action.days)
            self._plan(Action(later, a.slot, "undo reage", action.ref))
        else:
            self._book.forget(a.slot)
        yield self._writer.reaged(a, action.ref, action.on)

    def _undo_reage(self, action: Action, a: Account, rng: Random) -> Records:
        yield self._writer.reaged(a, action.ref, action.on, undone=True)
