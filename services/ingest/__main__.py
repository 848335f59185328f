"""`python -m services.ingest [--only api|consumer]`, and its commands: `migrate`, `assess`, `reassess`, `packs`."""

from pathlib import Path

from services.ingest import assess_command, pack_guide, reassess_command
from services.ingest.app import compose
from services.ingest.settings import Settings
from shared.runtime.main import command_line

app = command_line("ingest", Settings, compose, Path(__file__).with_name("migrations"))
assess_command.register(app)
reassess_command.register(app)
pack_guide.register(app)

if __name__ == "__main__":
    app()
