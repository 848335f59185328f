"""`python -m services.contact`: run the service, or `migrate` its schema."""

from pathlib import Path

from services.contact.app import compose
from services.contact.settings import ContactSettings
from shared.runtime.main import command_line

app = command_line("contact", ContactSettings, compose, Path(__file__).parent / "migrations")

if __name__ == "__main__":
    app()
