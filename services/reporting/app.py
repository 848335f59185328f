"""The composition of reporting: streams and routes, used by the command line and by tests alike."""

from services.reporting.api import build_router
from services.reporting.consumer import STREAMS
from services.reporting.settings import ReportingSettings
from services.reporting.store.sharding import SHARDING
from shared.runtime.service import Service


def compose(settings: ReportingSettings) -> Service:
    """The service as declared; nothing is connected yet."""
    return Service(
        name="reporting",
        streams=STREAMS,
        router=lambda context: build_router(context.engine),
        sharding=SHARDING,
    )
