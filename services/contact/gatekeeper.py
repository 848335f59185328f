"""The gate with its rule book: one way to decide, archive and act on decisions, whenever it is asked."""

from collections.abc import Iterable, Mapping, Sequence
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
from services.contact.store import contacts
from services.contact.store.contacts import Placed
from shared.messaging import Transaction

Moment = Literal["enqueue", "dispatch", "lease"]
Decided = tuple[Request, Decision]


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

    async def keep(self, tx: Transaction, moment: Moment, decided: Sequence[Decided]) -> None:
        """Archive decisions and act on all but the allowed ones: defer, or suppress and say so."""
        if not decided:
            return
        await contacts.archive(tx.connection, moment, self._book.pack, self._book.pack_hash, decided)
        placed = [place for request, decision in decided if (place := _placed(request, decision, moment))]
        if placed:
            await contacts.place(tx.connection, placed)
        for request, decision in decided:
            if decision.conclusion is Conclusion.REFUSED:
                event = translate.suppressed(request, tx.now, decision.rule or "gate", decision.reason or "")
                tx.emit(event, subject=request.customer_id, key=request.customer_id)


def _placed(request: Request, decision: Decision, moment: Moment) -> Placed | None:
    """Where the contact stands after the decision; None where whoever asked will say so."""
    at = decision.decided_at
    if decision.conclusion is Conclusion.REFUSED:
        state = "expired" if decision.reason == "expired" else "suppressed"
        return Placed(request.contact_id, state, at, reason=f"{decision.rule}: {decision.reason}")
    if decision.conclusion is Conclusion.DEFERRED:
        return Placed(request.contact_id, "planned", decision.until or request.expires_at, decision.awaiting)
    return Placed(request.contact_id, "planned", at) if moment == "enqueue" else None
