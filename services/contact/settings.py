"""What contact needs to know beyond what every service does: its providers, its rules, its bounds."""

from pathlib import Path

from pydantic import Field, HttpUrl, SecretStr

from services.contact import packs, rendering
from shared.runtime.settings import Settings


class ContactSettings(Settings):
    """Each field is the variable ARREARS_<NAME>."""

    sms_url: HttpUrl = Field(description="root of the SMS provider's API, for example https://api.twilio.com")
    sms_account_sid: str = Field(min_length=1)
    sms_auth_token: SecretStr
    sms_from: str = Field(min_length=1, description="the sender's number")
    sms_callback_url: HttpUrl = Field(description="where the provider reaches this service's /providers/sms/status")
    smtp_host: str = Field(min_length=1)
    smtp_port: int = Field(ge=1, le=65535)
    email_from: str = Field(pattern=r"^[^@\s]+@[^@\s]+$")
    lender_name: str = Field(default="Your lender", min_length=1, max_length=60, description="who writes and calls")

    rules_file: Path = packs.SHIPPED
    templates_folder: Path = rendering.SHIPPED
    dispatch_batch_max: int = Field(default=100, ge=1, le=1000, description="contacts claimed at once")
    sends_concurrent_max: int = Field(default=8, ge=1, le=200, description="messages on their way at once, a channel")
    send_timeout_s: float = Field(default=10.0, gt=0, le=120)
    dispatch_poll_s: float = Field(default=0.5, gt=0, le=60, description="how soon other processes' work is seen")
    resolve_interval_s: float = Field(default=2.0, gt=0, le=600, description="how often unknown attempts are asked for")
    lease_minutes: int = Field(default=15, ge=1, le=1440, description="how long a collector may keep a call task")
