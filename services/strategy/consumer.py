"""Strategy's subscriptions: delinquency and outcomes of one customer come to one shard."""

from services.strategy.handlers import Handlers
from shared.messaging import Stream


def streams(handlers: Handlers) -> list[Stream]:
    """One stream, keyed by customer."""
    return [
        Stream(
            name="customers",
            topics=("delinquency.status", "contact.outcomes"),
            handle=handlers.handle,
            work=handlers.work,
        )
    ]
