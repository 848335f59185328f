"""Takes what is due and may be sent: the gate decides again, and decision and pending attempt commit together.

Apart from the sending, so that no message can leave inside a transaction.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from services.contact import translate
from services.contact.domain.known import Customer
from services.contact.domain.request import Request
from services.contact.domain.verdict import Conclusion
from services.contact.gatekeeper import Decided, Gatekeeper
from services.contact.identity import message_attempt_id
from services.contact.messages import Composer
from services.contact.rendering import Unrenderable
from services.contact.store import attempts, contacts, projections
from services.contact.store.attempts import Attempt
from services.contact.store.contacts import Placed
from shared.messaging import Transaction


@dataclass(frozen=True, slots=True)
class Claims:
    """Claims contacts by one gate, in one lender's words."""

    gatekeeper: Gatekeeper
    composer: Composer

    async def claim(self, tx: Transaction, worker: int, due: Sequence[Any], rows_max: int) -> list[Attempt]:
        """Of contacts (rows with ids, most urgent first), those that may be sent now, each now a pending attempt.

        One contact a customer at a time. What another transaction holds is left for the next round.
        """
        requests = await contacts.lock(tx.connection, one_each(due, rows_max))
        if not requests:
            return []
        customer_ids = {request.customer_id for request in requests.values()}
        known = await projections.load_customers(tx.connection, customer_ids, tx.now)
        decided = self.gatekeeper.decide_all(requests.values(), known, tx.now)
        await self.gatekeeper.keep(tx, "dispatch", decided)
        composed, broken = self._composed(tx, worker, decided, known)
        opened = await attempts.open_all(tx.connection, composed) if composed else set()
        placed = [_placed(attempt, opened) for attempt in composed] + broken
        if placed:
            await contacts.place(tx.connection, placed)
        return [attempt for attempt in composed if attempt.attempt_id in opened]

    def _composed(
        self, tx: Transaction, worker: int, decided: Sequence[Decided], known: Mapping[str, Customer]
    ) -> tuple[list[Attempt], list[Placed]]:
        """Attempts for what is allowed; contacts whose template is broken fail here, before anything is sent."""
        composed, broken = [], []
        for request, decision in decided:
            if decision.conclusion is not Conclusion.ALLOWED or decision.endpoint is None:
                continue
            try:
                text = self.composer.compose(request, known[request.customer_id])
            except Unrenderable as error:
                broken.append(_failed(tx, request, error.reason))
                continue
            composed.append(
                Attempt(
                    message_attempt_id(request.contact_id), request.contact_id, request.customer_id, request.channel,
                    tx.now, worker, decision.endpoint.value, text.subject, text.body,
                )
            )  # fmt: skip
        return composed, broken


def one_each(due: Sequence[Any], rows_max: int) -> list[str]:
    """The most urgent contact of each customer."""
    first: dict[str, str] = {}
    for row in due:
        first.setdefault(row.customer_id, row.contact_id)
    return list(first.values())[:rows_max]


def _placed(attempt: Attempt, opened: set[str]) -> Placed:
    """Pending; or, where the contact's one attempt turns out to have been made before, left to a person."""
    if attempt.attempt_id in opened:
        return Placed(attempt.contact_id, "pending", attempt.at)
    return Placed(attempt.contact_id, "unknown", attempt.at, reason="attempted_before")


def _failed(tx: Transaction, request: Request, reason: str) -> Placed:
    event = translate.failed(request, tx.now, reason, None)
    tx.emit(event, subject=request.customer_id, key=request.customer_id)
    return Placed(request.contact_id, "failed", tx.now, reason=reason)
