"""The routes every service has: health, Prometheus metrics, progress, dead letters."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from shared.messaging import dead_letters as letters
from shared.messaging import store
from shared.vocabulary.errors import Unavailable


def system_router(
    engine: AsyncEngine, progress: Callable[[], Awaitable[dict[str, Any]]], ready: Callable[[], bool]
) -> APIRouter:
    """Routes for operations; none of them shows a payload."""
    router = APIRouter(tags=["operations"])

    @router.get("/health/live")
    async def live() -> dict[str, str]:
        """The process runs."""
        return {"status": "live"}

    @router.get("/health/ready")
    async def is_ready() -> dict[str, str]:
        """It has started and its database answers."""
        if not ready():
            raise Unavailable("starting")
        async with engine.connect() as connection:
            await connection.execute(text("SELECT 1"))
        return {"status": "ready"}

    @router.get("/metrics")
    async def metrics() -> Response:
        """Prometheus metrics."""
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    @router.get("/progress")
    async def shown() -> dict[str, Any]:
        """Offsets applied, events emitted and relayed a shard, and what is pending: how far this process is."""
        return await progress()

    @router.get("/shards")
    async def shards() -> dict[str, Any]:
        """The same as committed, over all processes of the service, with the counters of records."""
        async with engine.connect() as connection:
            return {"shards": await store.progress(connection)}

    @router.get("/dead-letters")
    async def dead_letters(
        after: Annotated[int, Query(ge=0)] = 0,
        limit: Annotated[int, Query(ge=1, le=1000)] = 100,
        reason: Annotated[str | None, Query(max_length=100)] = None,
    ) -> dict[str, Any]:
        """What was refused and why, oldest first; page with `after`."""
        async with engine.connect() as connection:
            found = await letters.listed(connection, after=after, reason=reason, rows_max=limit)
        return {"dead_letters": found, "next_after": found[-1]["id"] if len(found) == limit else None}

    return router
