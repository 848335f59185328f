"""Ingest's settings: the shared ones, the size of a day close's chunk, and the bounds of the HTTP door."""

from pydantic import Field

from shared.runtime.settings import Settings as Shared


class Settings(Shared):
    """See shared.runtime.settings."""

    day_close_accounts_max: int = Field(default=2000, ge=1, le=20_000, description="accounts aged in one transaction")
    events_max: int = Field(default=1000, ge=1, le=10_000, description="events in a request: one transaction")
    events_waiting_max: int = Field(
        default=10_000, ge=1, description="records waiting for Kafka before POST /events takes no more"
    )
    events_patience_s: float = Field(
        default=10.0, gt=0, le=60, description="how long POST /events waits for Kafka's acknowledgement"
    )
    events_kept_days: int = Field(default=7, ge=1, le=365, description="how long an Idempotency-Key is known")
