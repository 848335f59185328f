"""Ingest's settings: the shared ones and the size of a day close's chunk."""

from pydantic import Field

from shared.runtime.settings import Settings as Shared


class Settings(Shared):
    """See shared.runtime.settings."""

    day_close_accounts_max: int = Field(default=2000, ge=1, le=20_000, description="accounts aged in one transaction")
