"""Ingest's composition root."""

from functools import partial

from services.ingest import api, consumer
from services.ingest.handlers import Handlers
from services.ingest.packs import load
from services.ingest.settings import Settings
from shared.runtime.service import Service


def compose(settings: Settings) -> Service:
    """The service as production and tests run it."""
    packs = load()
    handlers = Handlers(packs, settings.clock == "simulated", settings.day_close_accounts_max)
    return Service("ingest", consumer.streams(handlers), partial(api.router, packs=packs))
