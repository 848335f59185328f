"""Ingest's composition root."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from fastapi import APIRouter
from sqlalchemy.ext.asyncio import AsyncConnection

from services.ingest import api, assess_api, consumer, events_api, job_store, policy_api, reassessment
from services.ingest.handlers import Handlers
from services.ingest.intake import Intake, forgetting
from services.ingest.packs import Packs, load
from services.ingest.policies import Policies
from services.ingest.settings import Settings
from services.ingest.sharding import SHARDING
from shared.runtime.service import Context, Service


def compose(settings: Settings) -> Service:
    """The service as production and tests run it."""
    policies = Policies(load())
    handlers = Handlers(policies, settings.clock == "simulated", settings.day_close_accounts_max)

    def router(context: Context) -> APIRouter:
        async def in_force() -> Packs:
            async with context.engine.connect() as connection:
                return await policies.in_force(connection)

        routes = APIRouter()
        routes.include_router(api.router(context, policies))
        routes.include_router(policy_api.router(context, policies))
        routes.include_router(assess_api.router(in_force))
        routes.include_router(events(context))
        return routes

    def events(context: Context) -> APIRouter:
        intake = Intake(
            context.commands,
            events_max=settings.events_max,
            waiting_max=settings.events_waiting_max,
            patience_s=settings.events_patience_s,
        )
        return events_api.router(intake)

    async def register(context: Context) -> None:
        async with context.commands.transaction() as tx:
            await policies.register(tx)

    return Service(
        "ingest",
        consumer.streams(handlers),
        router,
        background=(reassessment.watch, forgetting(timedelta(days=settings.events_kept_days))),
        pending=_pending,
        on_start=(register,),
        sharding=SHARDING,
    )


async def _pending(connection: AsyncConnection, _: datetime) -> Mapping[str, int]:
    return {"accounts_to_reassess": await job_store.unfinished(connection)}
