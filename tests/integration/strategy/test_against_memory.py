"""The handlers on a database against the domain in memory, which forgets nothing and loads nothing in part."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from random import Random

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from services.strategy import translate
from services.strategy.domain.customer import Customer
from services.strategy.domain.raised import Raised
from services.strategy.domain.react import react
from services.strategy.domain.settle import end_day
from services.strategy.domain.strategy import StrategyBook
from services.strategy.library import read_library
from services.strategy.settings import SHIPPED
from shared.contracts import outcomes
from shared.contracts.collections import ContactRequested
from shared.contracts.delinquency import PortfolioAged
from shared.contracts.fields import Contract
from tests.integration.strategy.conftest import Shard
from tests.integration.strategy.events import (
    aged,
    attempted,
    changed,
    cured,
    day,
    disputed,
    entered,
    promised,
    repaid,
)

DAYS = 24
CUSTOMERS = [f"c-{n}" for n in range(8)]
NOW = datetime.combine(day(DAYS), time(21, 30), UTC)


@dataclass
class Memory:
    """The whole of every customer, told the same."""

    book: StrategyBook
    customers: dict[str, Customer] = field(default_factory=dict)
    sent: list[Contract] = field(default_factory=list)

    def take(self, data: Contract) -> None:
        """One event."""
        if isinstance(data, PortfolioAged):
            return self._end(data.business_date)
        customer_id: str = data.customer_id  # type: ignore[attr-defined]  # all others are about a customer
        if customer_id not in self.customers and not translate.makes_known(data):
            return None
        customer = self.customers.setdefault(customer_id, Customer(customer_id))
        return self._send(react(customer, translate.fact_of(data), NOW, self.book))

    def _end(self, on: date) -> None:
        due = [(c.next_decision_on, c.customer_id) for c in self.customers.values() if c.next_decision_on]
        for when, customer_id in sorted(due):
            if when <= on:
                self._send(end_day(self.customers[customer_id], on, NOW, self.book))

    def _send(self, raised: Sequence[Raised]) -> None:
        self.sent += [event for one in raised for event in translate.events_of(one, NOW)]


class Story:
    """Weeks of eight customers, with news of the contacts that were asked for on the way."""

    def __init__(self, book: StrategyBook, seed: int) -> None:
        self.memory = Memory(book)
        self.told: list[Contract] = []
        self._random = Random(seed)
        self._versions = dict.fromkeys(CUSTOMERS, 0)
        for number in range(DAYS):
            for event in [*self._news(number), *self._facts(number), aged(day(number))]:
                self.told.append(event)
                self.memory.take(event)

    def _news(self, number: int) -> Iterator[Contract]:
        """Of contacts of any age, in any order, now and then twice."""
        asked = [event for event in self.memory.sent if isinstance(event, ContactRequested)]
        for one in self._random.sample(asked, min(len(asked), 4)):
            news = attempted(one.customer_id, one.contact_id, one.case_id, day(number))
            place = news.model_dump(exclude={"outcome", "template"})
            failed = outcomes.ContactFailed(**place, reason="bounced")
            yield self._random.choice([news, failed, outcomes.ContactDelivered(**place)])

    def _facts(self, number: int) -> Iterator[Contract]:
        for one in self._random.choices(CUSTOMERS, k=5):
            self._versions[one] += 1
            yield self._fact(one, self._versions[one], day(number), number)

    def _fact(self, one: str, version: int, on: date, number: int) -> Contract:
        arrears, key = self._random.randrange(1_000, 30_000), f"r-{self._random.randrange(6)}"
        match self._random.choice("eeeechrrrbpd"):
            case "e":
                return entered(one, version, on, arrears, dpd=self._random.randrange(1, 60))
            case "c":
                return cured(one, version, on)
            case "h":
                return changed(one, version, on)
            case "r":
                return repaid(one, version, on, arrears, 5_000, key)
            case "b":
                return repaid(one, version, on, -arrears, 9_000, key)
            case "p":
                return promised(one, on, day(number + 5), arrears)
            case _:
                return disputed(one, on)


@pytest.mark.parametrize("strategy", ["default", "prompt"])
@pytest.mark.parametrize(("batch", "decisions_max"), [(1, 1000), (7, 2), (1000, 3)])
async def test_a_database_between_batches_changes_nothing(
    engine: AsyncEngine, strategy: str, batch: int, decisions_max: int
) -> None:
    book = read_library(SHIPPED, strategy).book
    story = Story(book, seed=batch)
    shard = Shard(engine, book, decisions_max)
    sent = await shard.take(*story.told, at=day(DAYS), batch=batch)
    assert len({type(event) for event in sent}) >= 8, "a story in which enough happens"
    assert sent == story.memory.sent
