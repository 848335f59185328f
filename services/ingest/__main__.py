"""`python -m services.ingest [--only api|consumer]`, `python -m services.ingest migrate`."""

from pathlib import Path

from services.ingest.app import compose
from services.ingest.settings import Settings
from shared.runtime.main import command_line

app = command_line("ingest", Settings, compose, Path(__file__).with_name("migrations"))

if __name__ == "__main__":
    app()
