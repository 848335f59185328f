"""The connections of one demo to everything it asks."""

from dataclasses import dataclass

from deploy.local.addresses import Addresses
from deploy.local.demo.line import Line


@dataclass(frozen=True)
class Lines:
    """One connection to each service and to both windows of the providers."""

    ingest: Line
    strategy: Line
    contact: Line
    reporting: Line
    gateway: Line
    inbox: Line

    @classmethod
    def to(cls, addresses: Addresses) -> "Lines":
        """The connections to a running system."""
        services = {name: Line(url) for name, url in addresses.http.items()}
        return cls(**services, gateway=Line(addresses.sms_gateway), inbox=Line(addresses.smtp_http))

    @property
    def services(self) -> dict[str, Line]:
        """The four services by name."""
        return {
            "ingest": self.ingest,
            "strategy": self.strategy,
            "contact": self.contact,
            "reporting": self.reporting,
        }

    def close(self) -> None:
        """Hang up everywhere."""
        for line in (*self.services.values(), self.gateway, self.inbox):
            line.close()
