"""What the index of topics says about who reads what is what the services declare."""

import importlib

import pytest

from shared.contracts.topics import TOPICS
from shared.runtime.service import Service
from shared.runtime.settings import Settings

SETTINGS = {
    "KAFKA_BOOTSTRAP": "kafka:9092",
    "DATABASE_URL": "postgresql+asyncpg://role@postgres:5432/arrears",
    "SMS_URL": "http://gateway:8080",
    "SMS_ACCOUNT_SID": "AC0",
    "SMS_AUTH_TOKEN": "token",
    "SMS_FROM": "+441700900000",
    "SMS_CALLBACK_URL": "http://contact:8080/providers/sms/status",
    "SMTP_HOST": "mail",
    "SMTP_PORT": "25",
    "EMAIL_FROM": "collections@lender.example",
}


@pytest.mark.parametrize("name", ["ingest", "strategy", "contact", "reporting"])
def test_a_service_reads_the_topics_that_the_index_gives_it(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable, value in SETTINGS.items():
        monkeypatch.setenv(f"ARREARS_{variable}", value)

    declared = _composed(name).streams

    read = {topic for stream in declared for topic in stream.topics}
    broadcast = {topic for stream in declared for topic in stream.broadcast}
    assert read == {t.name for t in TOPICS if name in t.consumers and not t.broadcast}
    assert broadcast == {t.name for t in TOPICS if name in t.consumers and t.broadcast}


def _composed(name: str) -> Service:
    module = importlib.import_module(f"services.{name}.settings")
    kinds = [
        kind for kind in vars(module).values()
        if isinstance(kind, type) and issubclass(kind, Settings) and kind.__module__ == module.__name__
    ]  # fmt: skip
    composed: Service = importlib.import_module(f"services.{name}.app").compose(kinds[0]())
    return composed
