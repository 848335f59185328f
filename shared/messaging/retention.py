"""Settled dead letters have an end: their payloads are personal data, kept no longer than somebody answers for them.

A letter goes whole, with its history, and only once it was redriven or discarded long enough ago; the database lets
nothing else go. What waits or is queued stays for ever.
"""

import asyncio
from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa
import structlog
from sqlalchemy.ext.asyncio import AsyncEngine

LETTERS_MAX: Final = 500
"""Forgotten in one transaction: a letter may hold a quarter of a megabyte, twice."""

# What an operator holds at this moment, or another replica forgets, is passed over.
_FORGET = sa.text(
    """DELETE FROM dead_letter WHERE id IN (
           SELECT l.id FROM dead_letter l
           WHERE l.state IN ('redriven', 'discarded') AND l.rejected_at < :before
             AND NOT EXISTS (SELECT 1 FROM dead_letter_history h
                             WHERE h.dead_letter_id = l.id AND h.action IN ('accepted', 'discard') AND h.at >= :before)
           ORDER BY l.id LIMIT :letters_max FOR UPDATE SKIP LOCKED)"""
).bindparams(sa.bindparam("before", type_=sa.DateTime(timezone=True)))

log = structlog.get_logger()


async def forget_settled(engine: AsyncEngine, now: datetime, kept_days: int, stop: asyncio.Event) -> int:
    """Delete the dead letters that were settled more than so many days ago; 0 days keep all. How many went."""
    if not kept_days:
        return 0
    before, gone, chunk = now - timedelta(days=kept_days), 0, LETTERS_MAX
    while chunk == LETTERS_MAX and not stop.is_set():
        async with engine.begin() as connection:
            chunk = (await connection.execute(_FORGET, {"before": before, "letters_max": LETTERS_MAX})).rowcount
        gone += chunk
    if gone:
        log.info("dead_letters_forgotten", letters=gone, settled_before=before.isoformat())
    return gone
