"""`python -m services.strategy`: run the service (`--only api|consumer` for one half), or `migrate` its schema."""

from pathlib import Path

from services.strategy.app import compose
from services.strategy.settings import StrategySettings
from shared.runtime.main import command_line

MIGRATIONS = Path(__file__).parent / "migrations"

if __name__ == "__main__":
    command_line("strategy", StrategySettings, compose, MIGRATIONS)()
