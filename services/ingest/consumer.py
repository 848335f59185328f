"""Ingest's subscriptions: the account's topics together, the calendar broadcast to each shard."""

from services.ingest.handlers import Handlers
from shared.messaging import Stream


def streams(handlers: Handlers) -> list[Stream]:
    """One stream: partition n of the account topics is one shard of ledgers."""
    return [
        Stream(
            name="accounts",
            topics=("banking.accounts", "banking.billing", "banking.repayments"),
            broadcast=("banking.calendar",),
            handle=handlers.facts,
            work=handlers.work,
        )
    ]
