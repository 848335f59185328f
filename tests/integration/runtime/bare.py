"""A service with nothing of its own, to see how every service starts: `python -m tests.integration.runtime.bare`."""

from pathlib import Path

from fastapi import APIRouter

from shared.runtime.main import command_line
from shared.runtime.service import Service
from shared.runtime.settings import Settings


def compose(settings: Settings) -> Service:
    """No streams, no routes beyond those that all have."""
    return Service(name="bare", streams=(), router=lambda _: APIRouter())


app = command_line("bare", Settings, compose, Path(__file__).parent)

if __name__ == "__main__":
    app()
