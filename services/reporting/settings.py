"""Reporting's settings: what every service has, with patience."""

from pydantic import Field

from shared.runtime.settings import Settings


class ReportingSettings(Settings):
    """Nobody acts on reporting within a second: the broker gathers records, so that transactions are few and large."""

    fetch_bytes_min: int = Field(
        default=1024 * 1024, ge=1, le=4 * 1024 * 1024, description="what the broker waits for, no longer than that"
    )
