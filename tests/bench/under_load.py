"""Services and a publisher that keeps a pace, and what a bench does meanwhile."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

from tests.bench.copies import Copies, copies
from tests.bench.ground import Ground, ground
from tests.bench.pace import Pace, pace
from tests.bench.whole import PARTITIONS, Whole, whole_system


class LedgerUnderLoad(NamedTuple):
    """Parts, copies of ingest, and facts coming in."""

    place: Ground
    group: Copies
    load: Pace


@asynccontextmanager
async def ledger_under_load(**settings: str) -> AsyncIterator[LedgerUnderLoad]:
    """One copy of ingest owns every shard, and nothing is published yet; `settings` are variables for each copy."""
    async with ground() as place, copies(place, **settings) as group, pace(place.kafka, place.partitions) as load:
        await place.clear()
        await group.until_spread([await group.start()])
        yield LedgerUnderLoad(place, group, load)


@asynccontextmanager
async def whole_under_load() -> AsyncIterator[tuple[Whole, Pace]]:
    """The whole system runs, and nothing is published yet."""
    async with whole_system() as place, pace(place.system.addresses.kafka, PARTITIONS) as load:
        yield place, load


@asynccontextmanager
async def meanwhile(work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """It goes on during the block, and is cancelled at its end.

    Raises at the end what it had failed of: figures of a load that broke off, or of a listener gone deaf, are none.
    """
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        (ended,) = await asyncio.gather(task, return_exceptions=True)
    if isinstance(ended, Exception):
        raise ended
