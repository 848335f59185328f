"""Sending what is due, and the token of the message that tests look for."""

from services.contact import worker
from services.contact.identity import message_attempt_id
from tests.integration.contact.lab import Lab

TOKEN = message_attempt_id("k-1")


async def send_all(lab: Lab) -> None:
    """Rounds until nothing is due."""
    async with worker.registered(lab.engine) as registered:
        dispatcher = lab.dispatcher()
        while await dispatcher.round(registered):
            pass
