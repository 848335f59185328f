"""Taking one fact: learn it, and where the strategy decides on change, decide at once."""

from datetime import datetime

from services.strategy.domain.customer import Customer
from services.strategy.domain.facts import Fact, PromiseGiven, happened_on
from services.strategy.domain.fold import learn
from services.strategy.domain.raised import Raised
from services.strategy.domain.settle import settle, strategy_of
from services.strategy.domain.strategy import PromiseTerms, StrategyBook


def react(customer: Customer, fact: Fact, now: datetime, book: StrategyBook) -> list[Raised]:
    """What one fact raises. Fact by fact, so that it does not matter how the input was cut into batches."""
    terms = strategy_of(customer, book).promise if isinstance(fact, PromiseGiven) else PromiseTerms()
    raised = learn(customer, fact, terms)
    if customer.to_be_decided() and strategy_of(customer, book).decide == "on_change":
        raised += settle(customer, happened_on(fact), now, book)
    return raised
