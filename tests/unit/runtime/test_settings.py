"""Settings: each wrong one is named, none is shown, and secrets may come as files."""

import socket
from pathlib import Path

import pytest

from shared.runtime import settings
from shared.runtime.settings import Settings, read_settings
from shared.vocabulary.errors import Misconfigured


@pytest.fixture(autouse=True)
def _surroundings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(settings, "SECRETS", tmp_path)
    monkeypatch.setenv("ARREARS_KAFKA_BOOTSTRAP", "kafka:9092")
    monkeypatch.setenv("ARREARS_DATABASE_URL", "postgresql+asyncpg://ingest@postgres:5432/arrears")


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("ARREARS_HTTP_PORT", "70000", "less than or equal to 65535"),
        ("ARREARS_HTTP_PORT", "eighty", "valid integer"),
        ("ARREARS_ENVIRONMENT", "staging", "'production' or 'local'"),
        ("ARREARS_LOG_LEVEL", "loud", "'debug', 'info', 'warning' or 'error'"),
        ("ARREARS_BATCH_RECORDS_MAX", "0", "greater than or equal to 1"),
        ("ARREARS_DEAD_LETTERS_KEPT_DAYS", "-1", "greater than or equal to 0"),
        ("ARREARS_DATABASE_URL", "postgresql://ingest:hunter2@postgres/arrears", "postgresql+asyncpg://"),
        ("ARREARS_DATABASE_URL", "hunter2", "valid URL"),
        ("ARREARS_KAFKA_BOOTSTRAP", "", "at least 3 characters"),
        ("ARREARS_REPLICA", "two words", "should match pattern"),
    ],
)
def test_a_wrong_value_names_the_variable_and_what_is_expected(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, said: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(Misconfigured) as caught:
        read_settings(Settings)
    assert str(caught.value).startswith(f"{name}: ")
    assert said in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_a_password_may_come_as_a_file_and_is_never_shown(tmp_path: Path) -> None:
    (tmp_path / "arrears_database_password").write_text("hunter2/@:\n")
    read = read_settings(Settings)
    assert read.database == "postgresql+asyncpg://ingest:hunter2%2F%40%3A@postgres:5432/arrears"
    assert "hunter2" not in repr(read)


def test_without_a_password_of_its_own_the_url_is_used_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    url = "postgresql+asyncpg://ingest:secret@postgres:5432/arrears"
    monkeypatch.setenv("ARREARS_DATABASE_URL", url)
    assert read_settings(Settings).database == url


def test_a_replica_may_be_named_after_its_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    assert read_settings(Settings).replica is None
    monkeypatch.setenv("ARREARS_REPLICA", "ingest-0")
    assert read_settings(Settings).replica == "ingest-0"
    monkeypatch.setenv("ARREARS_REPLICA", "hostname")
    assert read_settings(Settings).replica == socket.gethostname()
