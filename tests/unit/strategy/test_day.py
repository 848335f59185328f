"""A business day on a partition is complete when each ingest shard has said so."""

from services.strategy.domain.day import Day
from tests.unit.strategy.cases import MONDAY


def test_complete_once_every_shard_has_aged() -> None:
    begun = Day(MONDAY, 2).aged(1)
    assert not begun.due
    assert not begun.aged(1).due, "the same shard twice is one"
    assert begun.aged(0).due
