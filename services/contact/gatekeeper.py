"""The gate with its rule book: one way to decide, archive and act on decisions, whenever it is asked."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Literal

from services.contact import translate
from services.contact.domain.gate import decide
from services.contact.domain.known import Customer
from services.contact.domain.request import Request
from services.contact.domain.rules import Case
from services.contact.domain.verdict import Conclusion, Decision
from services.contact.domain.zones import plausible_zones
from services.contact.packs import RuleBook
from services.contact.store import decisions
from services.contact.store.attempts import Attempt
from services.contact.store.decisions import Decided, Occasion, Placed
from shared.messaging import Transaction

Moment = Literal["enqueue", "dispatch", "lease"]


class Gatekeeper:
    """Decides by one rule book."""

    def __init__(self, book: RuleBook) -> None:
        self._book = book

    def decide(self, request: Request, customer: Customer | None, at: datetime) -> Decision:
        """The gate's decision on what is known now; nobody known is a customer of whom nothing is known."""
        known = customer or Customer(request.customer_id, revision=None)
        case = Case(request, known, plausible_zones(known, self._book.regions))
        return decide(case, self._book.rules, at)

    def decide_all(self, requests: Iterable[Request], customers: Mapping[str, Customer], at: datetime) -> list[Decided]:
        """A decision on each."""
        return [(request, self.decide(request, customers.get(request.customer_id), at)) for request in requests]

    async def plan(self, tx: Transaction, requests: Collection[Request], customers: Mapping[str, Customer]) -> bool:
        """Keep requests not seen before where a first decision places them; whether any may be sent at once."""
        decided = self.decide_all(requests, customers, tx.now)
        places = [_placed(request, decision) for request, decision in decided]
        new = await decisions.plan(tx.connection, self._occasion("enqueue"), decided, places)
        fresh = [one for one in decided if one[0].contact_id in new]
        _tell_refused(tx, fresh)
        return any(decision.conclusion is Conclusion.ALLOWED for _, decision in fresh)

    async def act(
        self, tx: Transaction, moment: Moment, decided: Sequence[Decided], attempts: Sequence[Attempt],
        broken: Sequence[Placed] = (),
    ) -> set[str]:  # fmt: skip
        """Archive decisions and act on them: suppress and say so, defer, place the `broken`, open the attempts.

        The contacts whose attempt may now be made.
        """
        if not decided:
            return set()
        placed = [_placed(*one) for one in decided if one[1].conclusion is not Conclusion.ALLOWED]
        opened = await decisions.act(tx.connection, self._occasion(moment), decided, [*placed, *broken], attempts)
        _tell_refused(tx, decided)
        return opened

    def _occasion(self, moment: Moment) -> Occasion:
        return Occasion(moment, self._book.pack, self._book.pack_hash)


def _placed(request: Request, decision: Decision) -> Placed:
    """Where the contact stands after the decision; one that is allowed is planned, until whoever asked acts on it."""
    at = decision.decided_at
    if decision.conclusion is Conclusion.REFUSED:
        state = "expired" if decision.reason == "expired" else "suppressed"
        return Placed(request.contact_id, state, at, reason=f"{decision.rule}: {decision.reason}")
    if decision.conclusion is Conclusion.DEFERRED:
        return Placed(request.contact_id, "planned", decision.until or request.expires_at, decision.awaiting)
    return Placed(request.contact_id, "planned", at)


def _tell_refused(tx: Transaction, decided: Sequence[Decided]) -> None:
    for request, decision in decided:
        if decision.conclusion is Conclusion.REFUSED:
            event = translate.suppressed(request, tx.now, decision.rule or "gate", decision.reason or "")
            tx.emit(event, subject=request.customer_id, key=request.customer_id)
