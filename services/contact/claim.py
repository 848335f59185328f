"""Takes what is due and may be sent: the gate decides again, and decision and pending attempt commit together.

Apart from the sending, so that no message can leave inside a transaction.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from services.contact import translate
from services.contact.domain.known import Customer
from services.contact.domain.request import Request
from services.contact.domain.verdict import Conclusion
from services.contact.gatekeeper import Gatekeeper
from services.contact.identity import message_attempt_id
from services.contact.messages import Composer
from services.contact.rendering import Unrenderable
from services.contact.store import contacts, projections
from services.contact.store.attempts import Attempt
from services.contact.store.decisions import Decided, Placed
from shared.messaging import Transaction


class Claimed(NamedTuple):
    """What may be sent now, and how many of the contacts asked for were decided on."""

    outgoing: list[Attempt]
    decided: int


@dataclass(frozen=True, slots=True)
class Claims:
    """Claims contacts by one gate, in one lender's words."""

    gatekeeper: Gatekeeper
    composer: Composer

    async def claim(self, tx: Transaction, worker: int, due: Sequence[Any], rows_max: int) -> Claimed:
        """Of contacts (rows with ids, most urgent first), those that may be sent now, each now a pending attempt.

        One contact a customer at a time. What another transaction holds is left for the next round.
        """
        requests = await contacts.lock(tx.connection, one_each(due, rows_max))
        if not requests:
            return Claimed([], 0)
        customer_ids = {request.customer_id for request in requests.values()}
        known = await projections.load_customers(tx.connection, customer_ids, tx.now)
        decided = self.gatekeeper.decide_all(requests.values(), known, tx.now)
        composed, broken = self._composed(tx, worker, decided, known)
        opened = await self.gatekeeper.act(tx, "dispatch", decided, composed, broken)
        return Claimed([attempt for attempt in composed if attempt.contact_id in opened], len(decided))

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


def _failed(tx: Transaction, request: Request, reason: str) -> Placed:
    event = translate.failed(request, tx.now, reason, None)
    tx.emit(event, subject=request.customer_id, key=request.customer_id)
    return Placed(request.contact_id, "failed", tx.now, reason=reason)
