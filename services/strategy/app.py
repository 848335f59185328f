"""Composition: strategy's parts put together from its settings."""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from services.strategy import api, consumer, store
from services.strategy.handlers import Handlers
from services.strategy.library import Library, read_library
from services.strategy.settings import StrategySettings
from services.strategy.sharding import SHARDING
from shared.runtime.service import Context, Service
from shared.vocabulary.errors import Misconfigured


def compose(settings: StrategySettings) -> Service:
    """The service; Misconfigured when a strategy cannot be read."""
    library = read_library(settings.strategies_folder, settings.strategy_fallback)
    handlers = Handlers(library.book, settings.decisions_max)

    async def keep_versions(context: Context) -> None:
        await register(context, library)

    return Service(
        name="strategy",
        streams=consumer.streams(handlers),
        router=lambda context: api.router(context, library, handlers),
        pending=_pending,
        on_start=(keep_versions,),
        sharding=SHARDING,
    )


async def register(context: Context, library: Library) -> None:
    """Keep every strategy version as written; one once in use with other rules may not come back under its number."""
    async with context.engine.begin() as connection:
        for document in library.documents.values():
            written = document.model_dump(mode="json", by_alias=True)
            kept = await store.register_strategy(
                connection, document.name, document.version, written, context.clock.now()
            )
            if kept != written:
                raise Misconfigured(
                    f"strategy {document.name}: version {document.version} was in use with other rules; "
                    "give the changed ones a new version"
                )


async def _pending(connection: AsyncConnection, _: datetime) -> Mapping[str, int]:
    return {"days_due": await store.days_due(connection)}
