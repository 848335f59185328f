"""Consents and opt-outs, whoever brings them: kept, and told to the others where they change something."""

from collections.abc import Collection

from services.contact import translate
from services.contact.domain.facts import Statement
from services.contact.store import projections
from shared.messaging import Transaction


async def say(tx: Transaction, statements: Collection[Statement]) -> None:
    """Keep the last word on each. Others hear of whole channels: an endpoint's opt-out names what they may not know."""
    for changed in await projections.save_consents(tx.connection, statements):
        if changed.endpoint == "":
            tx.emit(translate.consent_changed(changed), subject=changed.customer_id, key=changed.customer_id)
