"""Which channels work. One whose provider is away is left alone for a while, then tried with a single message."""

import time
from collections.abc import Iterable, Iterator

import structlog

from services.contact.channels.port import Handed, Went
from shared.messaging import retry

log = structlog.get_logger()


class Health:
    """What the last sends said about each channel. Real time, not the clock's: it is about machines, not people."""

    def __init__(self, channels: Iterable[str]) -> None:
        self._waits: dict[str, Iterator[float]] = {}
        self._until = dict.fromkeys(channels, 0.0)

    def usable(self) -> list[str]:
        """The channels that may be tried now."""
        now = time.monotonic()
        return [channel for channel, until in self._until.items() if until <= now]

    def doubtful(self, channels: Iterable[str]) -> bool:
        """Whether one of these failed last time: then one message is enough to see."""
        return any(channel in self._waits for channel in channels)

    def note(self, channel: str, handed: Handed) -> None:
        """Learn from one answer of the provider, or from none."""
        if handed.went is Went.NOT_SENT:
            if self._until[channel] <= time.monotonic():
                wait_s = next(self._waits.setdefault(channel, retry.backoff_s()))
                self._until[channel] = time.monotonic() + wait_s
                log.warning("channel_waits", channel=channel, reason=handed.reason, wait_s=round(wait_s, 2))
        elif handed.went is not Went.UNKNOWN:
            self._waits.pop(channel, None)
            self._until[channel] = 0.0
