"""Reporting's settings: what every service has."""

from shared.runtime.settings import Settings


class ReportingSettings(Settings):
    """Nothing of its own yet; the class names the service in messages about settings."""
