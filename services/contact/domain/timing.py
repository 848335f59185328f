"""The rules that depend on the time: lawful hours and frequency, each in every plausible zone of the customer."""

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from services.contact.domain.hours import Hours
from services.contact.domain.known import PastAttempt
from services.contact.domain.rules import Case
from services.contact.domain.verdict import Input, Says, Verdict


@dataclass(frozen=True, slots=True)
class Window:
    """Contact only inside lawful hours; every zone must agree, and none known is a no."""

    id: str
    channels: frozenset[str]
    hours: Hours

    def judge(self, case: Case, at: datetime) -> Verdict:
        """Later, at the next lawful instant, outside the hours; no where no zone is known or no such instant comes."""
        if case.request.channel not in self.channels:
            return Verdict(self.id, Says.YES, "other_channel", {"channel": case.request.channel})
        inputs: dict[str, Input] = {
            "at": at.isoformat(), "zones": ",".join(sorted(zone.key for zone in case.zones))
        }  # fmt: skip
        if not case.zones:
            unknown = case.customer.revision is None
            says, reason = (Says.AWAIT, "customer_not_known_yet") if unknown else (Says.NO, "no_zone_known")
            return Verdict(self.id, says, reason, inputs)
        if all(self.hours.open_at(at, zone) for zone in case.zones):
            return Verdict(self.id, Says.YES, "", inputs)
        openings = [self.hours.next_open(at, zone) for zone in case.zones]
        until = max((opening for opening in openings if opening), default=None)
        if until is None or None in openings:
            return Verdict(self.id, Says.NO, "no_lawful_hours", inputs)
        return Verdict(self.id, Says.LATER, "outside_hours", inputs, until)


@dataclass(frozen=True, slots=True)
class Frequency:
    """At most `limit` attempts over these channels in `days` local calendar days, today counted as one of them."""

    id: str
    channels: frozenset[str]
    limit: int
    days: int
    exclude: frozenset[str] = frozenset()
    """Outcomes that do not count, such as busy."""

    def judge(self, case: Case, at: datetime) -> Verdict:
        """Later, at the local midnight when enough attempts have aged out, while the limit is reached."""
        if case.request.channel not in self.channels:
            return Verdict(self.id, Says.YES, "other_channel", {"channel": case.request.channel})
        counted = [
            past
            for past in case.customer.attempts
            if past.channel in self.channels and past.outcome not in self.exclude
        ]
        zones = case.zones or (ZoneInfo("UTC"),)
        counts = [self._in_period(counted, at, zone) for zone in zones]
        inputs: dict[str, Input] = {
            "limit": self.limit, "days": self.days, "counted": max(len(found) for found in counts)
        }  # fmt: skip
        frees = [
            self._frees_at(found, zone) for found, zone in zip(counts, zones, strict=True) if len(found) >= self.limit
        ]
        if not frees:
            return Verdict(self.id, Says.YES, "", inputs)
        return Verdict(self.id, Says.LATER, "too_many", inputs, max(frees))

    def _in_period(self, counted: list[PastAttempt], at: datetime, zone: ZoneInfo) -> list[datetime]:
        """The attempts inside the period that ends with this local day, oldest first.

        Attempts dated after `at` count too: a clock that was set back must not allow one more.
        """
        first_day = at.astimezone(zone).date() - timedelta(days=self.days - 1)
        return sorted(past.at for past in counted if past.at.astimezone(zone).date() >= first_day)

    def _frees_at(self, found: list[datetime], zone: ZoneInfo) -> datetime:
        """The midnight on which fewer than `limit` of these are left in the period."""
        leaves = found[len(found) - self.limit].astimezone(zone).date() + timedelta(days=self.days)
        return datetime.combine(leaves, time.min, zone).astimezone(UTC)
