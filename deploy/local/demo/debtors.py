"""What people do when they are contacted: some pay, some promise and keep it, some promise and do not.

They know what they owe from the lender's rough book, not from the services. All draws depend on the seed, the person
and the day, so neither the order nor the timing of contacts matters.
"""

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Final, Literal, NamedTuple

from deploy.local.demo.mailroom import Message
from deploy.local.portfolio.accounts import accounts_of
from deploy.local.portfolio.actions import Action
from deploy.local.portfolio.chance import Draws, draws, happens, within
from deploy.local.portfolio.lender import Lender
from deploy.local.portfolio.people import Customer, Temper, customer, customer_number

Answer = Literal["right_party", "no_answer", "voicemail", "busy", "wrong_party", "refused"]

HEEDS: Final = {Temper.PUNCTUAL: 0.5, Temper.CARELESS: 0.34, Temper.STRAINED: 0.16, Temper.SINKING: 0.03}
"""Probability that a message makes somebody pay what they owe within three days."""
KEEPS: Final = {Temper.PUNCTUAL: 0.95, Temper.CARELESS: 0.8, Temper.STRAINED: 0.6, Temper.SINKING: 0.35}
"""Probability that a promise is kept."""
ANSWERS: Final[tuple[tuple[float, Answer], ...]] = (
    (0.46, "right_party"), (0.76, "no_answer"), (0.87, "voicemail"), (0.92, "busy"), (0.95, "wrong_party"),
    (1.0, "refused"),
)  # fmt: skip
"""Cumulative: how a call ends."""
PROMISES: Final = 0.62
DISPUTES: Final = 0.67
COMPLAINS: Final = 0.69
OPTS_OUT: Final = 0.72
"""Cumulative, of right-party calls."""


class Said(NamedTuple):
    """What was said on a call."""

    answer: Answer
    promise_in_days: int | None = None
    disputes: bool = False
    complains: bool = False
    opts_out: bool = False


class Debtors:
    """The people of one lender."""

    def __init__(self, lender: Lender) -> None:
        self._lender = lender
        self._seed = lender.seed
        self._by_mobile: dict[str, int] = {}
        for number in range(lender.customers):
            mobile = customer(self._seed, number).mobile
            if mobile:
                self._by_mobile[mobile] = number

    def who(self, message: Message) -> Customer:
        """Whose number or address it went to."""
        if message.channel == "sms":
            return customer(self._seed, self._by_mobile[message.to])
        return customer(self._seed, customer_number(message.to.partition("@")[0]))

    def read(self, messages: Iterable[Message], on: date) -> None:
        """Messages arrived on that day: some who owe pay in the days after."""
        for message in messages:
            if message.arrived:
                reader = self.who(message)
                d = draws(self._seed, f"reads {message.channel}", reader.number, on.toordinal())
                if happens(d[0], HEEDS[reader.temper]):
                    self._settle(reader, on, on + timedelta(days=within(d[1], 1, 3)))

    def called(self, customer_id: str, on: date) -> Said:
        """What somebody says when a collector calls on that day."""
        d = draws(self._seed, "called", customer_number(customer_id), on.toordinal())
        answer = next(answer for share, answer in ANSWERS if happens(d[0], share))
        if answer != "right_party":
            return Said(answer)
        return Said(
            answer,
            promise_in_days=within(d[2], 3, 14) if happens(d[1], PROMISES) else None,
            disputes=_between(d, PROMISES, DISPUTES),
            complains=_between(d, DISPUTES, COMPLAINS),
            opts_out=_between(d, COMPLAINS, OPTS_OUT),
        )

    def promised(self, customer_id: str, owed: Iterable[tuple[str, int]], on: date, due_on: date) -> None:
        """A promise to pay those amounts on those accounts: kept a day before its date, or a part later, or never."""
        person = customer(self._seed, customer_number(customer_id))
        d = draws(self._seed, "promised", person.number, on.toordinal())
        kept = happens(d[0], KEEPS[person.temper])
        if not kept and not happens(d[1], 0.4):
            return
        pays_on = max(due_on - timedelta(days=1), on + timedelta(days=1)) if kept else due_on + timedelta(days=5)
        for account_id, minor in owed:
            share = minor if kept else minor * within(d[2], 20, 60) // 100
            self._lender.plan(Action(pays_on, int(account_id[1:]), "pay promised", minor=share))

    def _settle(self, reader: Customer, owed_on: date, pays_on: date) -> None:
        for a in accounts_of(self._seed, reader):
            if self._lender.book.owed(a.slot, before=owed_on):
                self._lender.plan(Action(pays_on, a.slot, "settle"))


def _between(d: Draws, low: float, high: float) -> bool:
    return happens(d[1], high) and not happens(d[1], low)
