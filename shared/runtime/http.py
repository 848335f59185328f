"""The routes every service has for watching it: health, Prometheus metrics, progress."""

from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from sqlalchemy.ext.asyncio import AsyncEngine

from shared.messaging import store
from shared.messaging.desk import Desk
from shared.vocabulary.errors import Unavailable


def system_router(
    engine: AsyncEngine, desk: Desk, progress: Callable[[], Awaitable[dict[str, Any]]], ready: Callable[[], bool]
) -> APIRouter:
    """Routes for operations; none of them shows a payload."""
    router = APIRouter(tags=["operations"])

    @router.get("/health/live")
    async def live() -> dict[str, str]:
        """The process runs."""
        return {"status": "live"}

    @router.get("/health/ready")
    async def is_ready() -> dict[str, Any]:
        """It has started and its database answers; `stopped` tells of shards that wait for an operator."""
        if not ready():
            raise Unavailable("starting")
        return {"status": "ready", "stopped": await desk.stopped()}

    @router.get("/metrics")
    async def metrics() -> Response:
        """Prometheus metrics."""
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    @router.get("/progress")
    async def shown() -> JSONResponse:
        """Offsets applied, events emitted and relayed a shard, and what is pending: how far this process is."""
        return JSONResponse(await progress())

    @router.get("/shards")
    async def shards() -> dict[str, Any]:
        """The same as committed, over all processes of the service, with the counters of records."""
        async with engine.connect() as connection:
            return {"shards": await store.progress(connection)}

    return router
