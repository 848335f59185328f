"""Exactly-once effects from Kafka to PostgreSQL and back to Kafka.

A service declares streams (`stream.Stream`) and handles batches (`Received`, `Transaction`); everything else, the
transaction boundary included, is here and exists once. How it works: DESIGN.md, "The processing loop".
"""

from shared.messaging.commands import Commands
from shared.messaging.stream import Handler, Received, ShardId, Stream
from shared.messaging.transaction import Transaction

__all__ = ["Commands", "Handler", "Received", "ShardId", "Stream", "Transaction"]
