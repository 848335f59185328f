"""Settings every service has. Read once, in `__main__`, from ARREARS_* variables; a wrong one ends the start.

A variable may also come as a file of its name in /run/secrets, as containers get their passwords.
"""

import socket
from pathlib import Path
from typing import Any, Final, Literal, Self, TypeVar

from pydantic import Field, PostgresDsn, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict
from sqlalchemy import make_url

from shared.messaging.poison import Limits
from shared.vocabulary.errors import Misconfigured

PREFIX: Final = "ARREARS_"
EXIT_MISCONFIGURED: Final = 78
"""How a process ends that cannot run as set up (EX_CONFIG)."""
SECRETS: Final = Path("/run/secrets")
DRIVER: Final = "postgresql+asyncpg"
HTTP_BODY_BYTES_MAX: Final = 4_194_304


class DatabaseSettings(BaseSettings):
    """How to reach the service's schema: all that operators' commands need."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="ignore")

    database_url: PostgresDsn = Field(description="postgresql+asyncpg://role:password@host:port/database")
    database_password: SecretStr | None = Field(default=None, description="where the URL has none")

    @property
    def database(self) -> str:
        """The whole address for SQLAlchemy, password included: for connecting, not for showing."""
        url = make_url(str(self.database_url))
        if self.database_password is not None:
            url = url.set(password=self.database_password.get_secret_value())
        return url.render_as_string(hide_password=False)

    @field_validator("database_url")
    @classmethod
    def _asynchronous(cls, url: PostgresDsn) -> PostgresDsn:
        if url.scheme != DRIVER:
            raise ValueError(f"should begin with {DRIVER}://")
        return url


class Settings(DatabaseSettings):
    """What a process needs to know about its surroundings. Each field is the variable ARREARS_<NAME>."""

    environment: Literal["production", "local"] = "production"
    clock: Literal["system", "simulated"] = "system"
    kafka_bootstrap: str = Field(min_length=3, description="host:port of a broker, several separated by commas")
    http_host: str = "127.0.0.1"
    http_port: int = Field(default=8080, ge=1, le=65535)
    http_body_bytes_max: int = Field(
        default=HTTP_BODY_BYTES_MAX, ge=1024, le=67_108_864, description="of a request, whose body is held in memory"
    )
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    batch_records_max: int = Field(default=4000, ge=1, le=20_000, description="records in one transaction")
    session_timeout_s: float = Field(default=10.0, ge=1, le=300, description="after it a silent member's shards move")
    replica: str | None = Field(
        default=None,
        pattern=r"^[A-Za-z0-9._-]{1,100}$",
        description="a name of this process's own that it keeps when it is started again: after a crash its shards are "
        "its own at once; `hostname` stands for that of the machine or container",
    )
    fetch_wait_max_ms: int = Field(default=200, ge=1, le=5000, description="how long the broker may hold an idle fetch")
    fetch_bytes_min: int = Field(
        default=1, ge=1, le=4 * 1024 * 1024, description="what the broker waits for, no longer than that, to answer"
    )
    rejected_run_max: int = Field(
        default=200,
        ge=1,
        description="records refused in a row before a shard stops: a few are core banking's, not all",
    )
    rejected_share_max: float = Field(default=0.2, gt=0, le=1, description="share refused before a shard stops")
    rejected_window_records: int = Field(
        default=2000, ge=10, description="records over which the share is taken: fewer say little"
    )
    dead_letters_kept_days: int = Field(
        default=400,
        ge=0,
        le=36_500,
        description="after it a settled dead letter is deleted, payload and history; 0 keeps it for ever",
    )
    database_connections_max: int = Field(default=12, ge=2, le=100)

    @field_validator("replica")
    @classmethod
    def _host(cls, replica: str | None) -> str | None:
        return socket.gethostname() if replica == "hostname" else replica

    @property
    def rejection_limits(self) -> Limits:
        """When a shard refuses too much to go on."""
        return Limits(self.rejected_run_max, self.rejected_share_max, self.rejected_window_records)

    @model_validator(mode="after")
    def _simulated_time_is_local(self) -> Self:
        if self.clock == "simulated" and self.environment != "local":
            raise ValueError("ARREARS_CLOCK=simulated needs ARREARS_ENVIRONMENT=local")
        return self


S = TypeVar("S", bound=BaseSettings)


def read_settings(kind: type[S], **overrides: Any) -> S:
    """The settings from the environment; Misconfigured names each wrong variable and what is expected."""
    try:
        return kind(_secrets_dir=SECRETS if SECRETS.is_dir() else None, **overrides)
    except ValidationError as error:
        raise Misconfigured("; ".join(_complaint(e) for e in error.errors(include_input=False))) from None


def _complaint(error: Any) -> str:
    name = PREFIX + ".".join(str(part) for part in error["loc"]).upper() if error["loc"] else ""
    said = "is missing" if error["type"] == "missing" else error["msg"].removeprefix("Value error, ")
    return f"{name}: {said}" if name else said
