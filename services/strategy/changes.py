"""What a fold changed: the parts that are not as they were loaded any more, gathered by table."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Self, TypeVar

from services.strategy.domain.account import Account
from services.strategy.domain.case import Case
from services.strategy.domain.customer import Customer
from services.strategy.domain.day import Day
from services.strategy.domain.hold import Hold
from services.strategy.domain.promise import Promise
from services.strategy.domain.repayment import Repayment
from services.strategy.domain.treatment import Treatment

K = TypeVar("K")
V = TypeVar("V")

_NOTHING: Final[dict[Any, Any]] = {}


@dataclass(slots=True)
class Loaded:
    """One customer as stored and as folded since. `partition` is that of its topics; `stored` is None for a new one."""

    stored: Customer | None
    customer: Customer
    partition: int

    @classmethod
    def of(cls, customer: Customer, partition: int) -> Self:
        """What the database holds, kept aside so that changes show."""
        stored = Customer(
            customer.customer_id,
            accounts=_kept(customer.accounts),
            cases=_kept(customer.cases),
            treatments=_kept(customer.treatments),
            promises=_kept(customer.promises),
            holds=_kept(customer.holds),
            repayments=_kept(customer.repayments),
            next_decision_on=customer.next_decision_on,
        )
        return cls(stored, customer, partition)

    @classmethod
    def new(cls, customer_id: str, partition: int) -> Self:
        """A customer not heard of before."""
        return cls(None, Customer(customer_id), partition)


@dataclass(slots=True)
class Changes:
    """Rows to write, by table; customers and days with their partition."""

    customers: list[tuple[Customer, int]] = field(default_factory=list)
    accounts: list[Account] = field(default_factory=list)
    cases: list[Case] = field(default_factory=list)
    new_treatments: list[Treatment] = field(default_factory=list)
    treatments: list[Treatment] = field(default_factory=list)
    promises: list[Promise] = field(default_factory=list)
    holds: list[Hold] = field(default_factory=list)
    repayments: list[Repayment] = field(default_factory=list)
    days: list[tuple[Day, int]] = field(default_factory=list)


def changes(loaded: Iterable[Loaded], days: Iterable[Day] = (), partition: int = 0) -> Changes:
    """Everything to write for these customers and for days of a partition; nothing for what the fold left as it was."""
    found = Changes(days=[(day, partition) for day in days])
    for one in loaded:
        _gather(found, one)
    return found


def _gather(found: Changes, one: Loaded) -> None:
    now, stored = one.customer, one.stored or Customer(one.customer.customer_id)
    if one.stored is None or now.next_decision_on != stored.next_decision_on:
        found.customers.append((now, one.partition))
    found.cases += _replaced(stored.cases, now.cases)
    found.accounts += _replaced(stored.accounts, now.accounts)
    found.promises += _replaced(stored.promises, now.promises)
    found.holds += _replaced(stored.holds, now.holds)
    found.repayments += _replaced(stored.repayments, now.repayments)
    for treatment in _replaced(stored.treatments, now.treatments):
        known = treatment.contact_id in stored.treatments
        (found.treatments if known else found.new_treatments).append(treatment)


def _kept(parts: dict[K, V]) -> dict[K, V]:
    """A copy; of nothing, which most parts are, always the same one."""
    return dict(parts) if parts else _NOTHING


def _replaced(stored: Mapping[K, V], now: Mapping[K, V]) -> list[V]:
    return [value for key, value in now.items() if (had := stored.get(key)) is not value and had != value]
