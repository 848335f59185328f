"""When a business day is complete on a partition: every ingest shard has said so."""

from dataclasses import dataclass, replace
from datetime import date


@dataclass(frozen=True, slots=True)
class Day:
    """One business date as seen on one partition; decided on once, after it is complete."""

    business_date: date
    source_shards: int
    aged_by: frozenset[int] = frozenset()
    decided: bool = False

    @property
    def due(self) -> bool:
        """All of the date's statuses have been folded, and nobody is decided on yet."""
        return not self.decided and len(self.aged_by) >= self.source_shards

    def aged(self, source_shard: int) -> "Day":
        """The day after one more ingest shard finished it; a repeat changes nothing."""
        return replace(self, aged_by=self.aged_by | {source_shard})

    def decide(self) -> "Day":
        """The day once everybody who was due is decided on."""
        return replace(self, decided=True)
