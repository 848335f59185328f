"""Strategy's own settings."""

from pathlib import Path

from pydantic import Field

from shared.runtime.settings import Settings

SHIPPED = Path(__file__).parent / "strategies"


class StrategySettings(Settings):
    """Which strategies there are, and how much a transaction decides."""

    strategies_folder: Path = Field(default=SHIPPED, description="YAML files and assignments.yaml")
    strategy_fallback: str | None = Field(
        default=None, description="strategy of the cases no product's line takes, instead of the assignments' last line"
    )
    decisions_max: int = Field(default=1000, ge=1, le=10_000, description="customers decided on in one transaction")
