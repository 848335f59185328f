"""Settings every service has. Read once, in `__main__`, from ARREARS_* variables; a wrong one ends the start."""

from typing import Any, Literal, Self, TypeVar

from pydantic import Field, PostgresDsn, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from shared.vocabulary.errors import Misconfigured

PREFIX = "ARREARS_"


class Settings(BaseSettings):
    """What a process needs to know about its surroundings. Each field is the variable ARREARS_<NAME>."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="ignore")

    environment: Literal["production", "local"] = "production"
    clock: Literal["system", "simulated"] = "system"
    kafka_bootstrap: str = Field(min_length=3, description="host:port of a broker, several separated by commas")
    database_url: PostgresDsn = Field(description="postgresql+asyncpg://role:password@host:port/database")
    http_host: str = "127.0.0.1"
    http_port: int = Field(default=8080, ge=1, le=65535)
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    batch_records_max: int = Field(default=4000, ge=1, le=20_000, description="records in one transaction")
    session_timeout_s: float = Field(default=10.0, ge=1, le=300, description="after it a silent member's shards move")
    fetch_wait_max_ms: int = Field(default=100, ge=1, le=5000, description="how long the broker may hold an idle fetch")
    database_connections_max: int = Field(default=12, ge=2, le=100)

    @model_validator(mode="after")
    def _simulated_time_is_local(self) -> Self:
        if self.clock == "simulated" and self.environment != "local":
            raise ValueError("ARREARS_CLOCK=simulated needs ARREARS_ENVIRONMENT=local")
        return self


S = TypeVar("S", bound=Settings)


def read_settings(kind: type[S], **overrides: Any) -> S:
    """The settings from the environment; Misconfigured names each wrong variable and what is expected."""
    try:
        return kind(**overrides)
    except ValidationError as error:
        raise Misconfigured("; ".join(_complaint(e) for e in error.errors(include_input=False))) from None


def _complaint(error: Any) -> str:
    name = PREFIX + ".".join(str(part) for part in error["loc"]).upper() if error["loc"] else ""
    said = "is missing" if error["type"] == "missing" else error["msg"].removeprefix("Value error, ")
    return f"{name}: {said}" if name else said
