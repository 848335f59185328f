"""What each service is told about its surroundings, and how its process is started.

Apart from the system so that the names of the settings stand in one place.
"""

import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from deploy.local.addresses import Addresses
from deploy.local.leftovers import MARK

SERVICES = ("ingest", "strategy", "contact", "reporting")
PROJECT = Path(__file__).parent.parent.parent
SMS_FROM = "+441700900000"
EMAIL_FROM = "collections@lender.example"

Clock = Literal["system", "simulated"]


@dataclass(frozen=True)
class Options:
    """What may differ between one local system and another."""

    clock: Clock = "system"
    partitions: int = 2
    log_level: str = "info"
    undelivered: str = "99"
    durable: bool = True
    """Whether the data is to survive a machine that stops; a process that is killed loses nothing either way."""
    settings: Mapping[str, str] = field(default_factory=dict)
    """Further settings of every service, as variables."""


@dataclass(frozen=True)
class SmsAccount:
    """What the gateway asks for and contact shows."""

    sid: str
    token: str

    @property
    def environment(self) -> dict[str, str]:
        return {"ARREARS_SMS_ACCOUNT_SID": self.sid, "ARREARS_SMS_AUTH_TOKEN": self.token}


def surroundings(folder: Path) -> dict[str, str]:
    """The user's environment without settings of this project, and the mark by which leftovers are known."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("ARREARS_")}
    return {**inherited, MARK: str(folder.resolve()), "PYTHONUNBUFFERED": "1"}


def service_environment(name: str, addresses: Addresses, account: SmsAccount, options: Options) -> dict[str, str]:
    """The settings of one service."""
    host, port = addresses.http[name].removeprefix("http://").split(":")
    settings = {
        "ARREARS_ENVIRONMENT": "local",
        "ARREARS_CLOCK": options.clock,
        "ARREARS_KAFKA_BOOTSTRAP": addresses.kafka,
        "ARREARS_DATABASE_URL": sqlalchemy_url(addresses.postgres[name]),
        "ARREARS_HTTP_HOST": host,
        "ARREARS_HTTP_PORT": port,
        "ARREARS_LOG_LEVEL": options.log_level,
        "ARREARS_REPLICA": "local",
        **options.settings,
    }
    return {**settings, **_contact(addresses, account)} if name == "contact" else settings


def migration_environment(addresses: Addresses) -> dict[str, str]:
    """The databases of the services that are to be migrated."""
    return {f"ARREARS_{name.upper()}_DATABASE_URL": sqlalchemy_url(addresses.postgres[name]) for name in addresses.http}


def sqlalchemy_url(url: str) -> str:
    return url.replace("postgresql://", "postgresql+asyncpg://", 1)


@dataclass(frozen=True)
class Commands:
    """How to start a service and how to migrate; tests put stand-ins here."""

    migrate: Sequence[str] | None = (sys.executable, "-m", "deploy.local.migrations")

    def service(self, name: str) -> Sequence[str]:
        return (sys.executable, "-m", f"services.{name}")


def _contact(addresses: Addresses, account: SmsAccount) -> Mapping[str, str]:
    smtp_host, smtp_port = addresses.smtp.split(":")
    return {
        **account.environment,
        "ARREARS_SMS_URL": addresses.sms_gateway,
        "ARREARS_SMS_FROM": SMS_FROM,
        "ARREARS_SMS_CALLBACK_URL": f"{addresses.http['contact']}/providers/sms/status",
        "ARREARS_SMTP_HOST": smtp_host,
        "ARREARS_SMTP_PORT": smtp_port,
        "ARREARS_EMAIL_FROM": EMAIL_FROM,
    }
