"""Keeps the outbox small: a partition a day, made ahead of time and dropped once all of it was relayed.

Days are the database's, in UTC: this is storage, not business. Rows that found no partition of their day lie in the
default one and are deleted there. Any number of replicas may run this; one at a time does.
The hourly round also lets go of dead letters that were settled long ago (`retention`).
"""

import asyncio
from datetime import date, timedelta
from typing import Final

import sqlalchemy as sa
import structlog
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from shared.messaging import retention, retry
from shared.runtime.clock import Clock

DAYS_AHEAD: Final = 3
DAYS_KEPT: Final = 2
"""Relayed days that stay, to look at when something went wrong downstream."""
EVERY_S: Final = 3_600.0
PREFIX: Final = "outbox_"

_ALONE = sa.text("SELECT pg_try_advisory_xact_lock(hashtext('arrears.housekeeping.' || current_schema()))")
# Making and dropping a partition needs the table for a moment: never let the loop queue up behind a wait for it.
_PATIENCE = sa.text("SET LOCAL lock_timeout = '1s'")
# Parent before partitions, as whoever appends takes them; no row may come to the default partition meanwhile.
_LOCK = sa.text("LOCK TABLE outbox IN ACCESS EXCLUSIVE MODE")
_TODAY = sa.text("SELECT current_date")
_PARTITIONS = sa.text(
    """SELECT child.relname FROM pg_inherits
       JOIN pg_class child ON child.oid = inhrelid
       WHERE inhparent = to_regclass('outbox') AND child.relname <> 'outbox_default' ORDER BY child.relname"""
)
_IN_DEFAULT = sa.text("SELECT DISTINCT written_on FROM outbox_default")
_DELETE_RELAYED = sa.text(
    """DELETE FROM outbox_default o USING relay r
       WHERE o.written_on < :before AND r.stream = o.stream AND r.partition = o.partition AND o.seq <= r.relayed_seq"""
)

log = structlog.get_logger()


async def run(engine: AsyncEngine, clock: Clock, letters_kept_days: int, stop: asyncio.Event) -> None:
    """Tidy at once and then hourly; a failure that passes is tried again at the next hour."""
    while not stop.is_set():
        try:
            await tidy(engine)
            # By the clock that dated the letters' history: a simulated one is years off.
            await retention.forget_settled(engine, clock.now(), letters_kept_days, stop)
        except Exception as error:
            if not retry.is_passing(error):
                raise
            log.warning("not_tidied", error=type(error).__name__)
        await retry.sleep_unless(stop, EVERY_S)


async def tidy(engine: AsyncEngine) -> None:
    """Make the coming days' partitions, drop old ones that are relayed, empty the default one of old rows."""
    async with engine.begin() as connection:
        if not (await connection.execute(_ALONE)).scalar_one():
            return
        await connection.execute(_PATIENCE)
        today: date = (await connection.execute(_TODAY)).scalar_one()
        existing = [row[0] for row in await connection.execute(_PARTITIONS)]
        before = today - timedelta(days=DAYS_KEPT)
        await connection.execute(_DELETE_RELAYED, {"before": before})
        old = [name for name in existing if name < partition_name(before)]
        done = [name for name in old if await _is_relayed(connection, name)]
        # From here to the commit nobody appends: what takes long is over.
        await _make(connection, today, existing)
        for name in done:
            await connection.execute(sa.text(f"DROP TABLE {name}"))
            log.info("outbox_day_dropped", partition=name)


def partition_name(day: date) -> str:
    """`outbox_20260131`: names sort as their days do."""
    return f"{PREFIX}{day:%Y%m%d}"


async def _make(connection: AsyncConnection, today: date, existing: list[str]) -> None:
    days = [today + timedelta(days=n) for n in range(DAYS_AHEAD + 1)]
    missing = [day for day in days if partition_name(day) not in existing]
    if not missing:
        return
    await connection.execute(_LOCK)
    # A day with rows in the default partition cannot get its own any more; it ends there.
    taken = {row[0] for row in await connection.execute(_IN_DEFAULT)}
    for day in missing:
        if day not in taken:
            bounds = f"FROM ('{day}') TO ('{day + timedelta(days=1)}')"
            await connection.execute(
                sa.text(f"CREATE TABLE {partition_name(day)} PARTITION OF outbox FOR VALUES {bounds}")
            )


async def _is_relayed(connection: AsyncConnection, name: str) -> bool:
    """True when Kafka has acknowledged every row of that partition."""
    waiting = sa.text(
        f"""SELECT EXISTS (SELECT 1 FROM {name} o LEFT JOIN relay r USING (stream, partition)
            WHERE o.seq > coalesce(r.relayed_seq, 0))"""  # noqa: S608  a partition's name from the catalogue
    )
    return not (await connection.execute(waiting)).scalar_one()
