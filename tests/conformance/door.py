"""The calculator behind HTTP as the service serves it, without a database behind it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
from fastapi import FastAPI

from services.ingest import assess_api
from services.ingest.packs import Packs, load
from shared.runtime import problems


async def shipped() -> Packs:
    """The packs that come with the system."""
    return load()


@asynccontextmanager
async def door() -> AsyncIterator[httpx.AsyncClient]:
    """A client of the door. A bug answers 500, as it would in production."""
    app = FastAPI()
    problems.install(app)
    app.include_router(assess_api.router(shipped))
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://ingest") as client:
        yield client
