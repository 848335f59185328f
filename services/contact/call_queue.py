"""Hands call tasks to collectors under a lease, and turns what they report into facts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from services.contact.claim import one_each
from services.contact.domain.known import Customer, Endpoint, usable_endpoints
from services.contact.domain.request import Request
from services.contact.domain.verdict import Conclusion
from services.contact.gatekeeper import Gatekeeper
from services.contact.identity import call_attempt_id
from services.contact.messages import arrears_of
from services.contact.store import calls, contacts, projections
from services.contact.store.attempts import Attempt
from services.contact.store.calls import Lease
from services.contact.store.decisions import Decided
from shared.messaging import Transaction
from shared.vocabulary.money import Money

LOOKED_AT_MAX: Final = 100
ROUNDS_MAX: Final = 20
"""Bound on how many batches of tasks that may not be worked now are passed over for one collector."""


@dataclass(frozen=True, slots=True)
class Task:
    """One leased call: whom to call, where, and about what."""

    request: Request
    customer: Customer
    attempt_id: str
    leased_until: datetime

    @property
    def endpoints(self) -> tuple[Endpoint, ...]:
        """The numbers that may be called."""
        return usable_endpoints(self.customer, "call")

    @property
    def arrears(self) -> list[Money]:
        """What is owed now."""
        return arrears_of(self.request, self.customer)


class CallQueue:
    """The queue as collectors see it. A task is decided on again at the moment it is handed out."""

    def __init__(self, gatekeeper: Gatekeeper, lease: timedelta) -> None:
        self._gatekeeper = gatekeeper
        self._lease = lease

    async def next(self, tx: Transaction, collector: str, limit: int) -> list[Task]:
        """Lease the most urgent tasks that are lawful now; those that are not are put off or dropped on the way."""
        await calls.release_expired(tx.connection, tx.now)
        tasks: list[Task] = []
        for _ in range(ROUNDS_MAX):
            due = await contacts.due_calls(tx.connection, tx.now, LOOKED_AT_MAX)
            order = one_each(due, LOOKED_AT_MAX)
            locked = await contacts.lock(tx.connection, order) if order else {}
            requests = [locked[contact_id] for contact_id in order if contact_id in locked]
            leases = {row.contact_id: row.leases for row in due}
            tasks += await self._leased(tx, collector, requests, leases, limit - len(tasks))
            # Every task that was due has been decided on, when each was locked and there were no more.
            is_last = len(requests) == len(due) < LOOKED_AT_MAX
            if is_last or not requests or len(tasks) == limit:
                break
        return tasks

    async def _leased(
        self, tx: Transaction, collector: str, requests: Sequence[Request], leases: Mapping[str, int], limit: int
    ) -> list[Task]:
        """Tasks for the first `limit` that are lawful; decisions on those after them are neither kept nor acted on."""
        if not requests:
            return []
        customer_ids = {request.customer_id for request in requests}
        known = await projections.load_customers(tx.connection, customer_ids, tx.now)
        decided, allowed = self._decided(requests, known, tx.now, limit)
        made = [_attempt(one, leases[one[0].contact_id] + 1, tx.now) for one in allowed]
        opened = await self._gatekeeper.act(tx, "lease", decided, made)
        if not opened:
            return []
        until = tx.now + self._lease
        taken = [Lease(a.contact_id, a.attempt_id, collector, until) for a in made if a.contact_id in opened]
        await calls.lease(tx.connection, taken)
        return [
            Task(request, known[request.customer_id], attempt.attempt_id, until)
            for (request, _), attempt in zip(allowed, made, strict=True)
            if request.contact_id in opened
        ]

    def _decided(
        self, requests: Sequence[Request], known: Mapping[str, Customer], at: datetime, limit: int
    ) -> tuple[list[Decided], list[Decided]]:
        """All decisions up to the `limit`-th that allows, and those that allow."""
        decided: list[Decided] = []
        allowed: list[Decided] = []
        for request in requests:
            one = (request, self._gatekeeper.decide(request, known.get(request.customer_id), at))
            decided.append(one)
            if one[1].conclusion is Conclusion.ALLOWED:
                allowed.append(one)
            if len(allowed) == limit:
                break
        return decided, allowed


def _attempt(one: Decided, lease: int, at: datetime) -> Attempt:
    """The call as an attempt, so that it counts at once: nobody else may call or write meanwhile."""
    request, decision = one
    endpoint = decision.endpoint.value if decision.endpoint else ""
    attempt_id = call_attempt_id(request.contact_id, lease)
    return Attempt(attempt_id, request.contact_id, request.customer_id, "call", at, None, endpoint)
