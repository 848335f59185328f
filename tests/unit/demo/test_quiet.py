"""When a service counts as through with everything."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from deploy.local.demo.progress import unfinished

NOW = datetime(2025, 2, 3, 9, 30, tzinfo=UTC)
ENDS = {("banking.billing", 0): 5, ("banking.billing", 1): 3, ("banking.calendar", 0): 2, ("contact.outcomes", 0): 9}


def shard(billing: int, **changed: Any) -> dict[str, Any]:
    offsets = {"banking.billing": billing, "banking.calendar": 2}
    return {"offsets": offsets, "emitted": 4, "relayed": 4, "work": False} | changed


def progress(**changed: Any) -> dict[str, Any]:
    whole = {
        "clock": NOW.isoformat(),
        "commands": {"emitted": 1, "relayed": 1},
        "owned": {"accounts": {"0": shard(5), "1": shard(3)}},
        "pending": {"due": 0},
    }
    return whole | changed


def left(**changed: Any) -> str:
    return unfinished("ingest", progress(**changed), ENDS, NOW)


def test_nothing_left() -> None:
    assert left() == ""


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"clock": (NOW - timedelta(seconds=1)).isoformat()}, "clock"),
        ({"commands": {"emitted": 2, "relayed": 1}}, "commands has events to relay"),
        ({"pending": {"due": 3}}, "3 due pending"),
        ({"owned": {}}, "5 records of banking.billing/0"),
        ({"owned": {"accounts": {"0": shard(5)}}}, "3 records of banking.billing/1"),
        ({"owned": {"accounts": {"0": shard(4), "1": shard(3)}}}, "1 records of banking.billing/0"),
        ({"owned": {"accounts": {"0": shard(5, work=True), "1": shard(3)}}}, "accounts.0 has work left"),
        ({"owned": {"accounts": {"0": shard(5, relayed=3), "1": shard(3)}}}, "accounts.0 has events to relay"),
    ],
)
def test_what_is_left_is_named(changed: dict[str, Any], said: str) -> None:
    assert said in left(**changed)


def test_a_broadcast_is_applied_only_when_every_shard_has_it() -> None:
    behind = shard(3) | {"offsets": {"banking.billing": 3, "banking.calendar": 1}}
    assert left(owned={"accounts": {"0": shard(5), "1": behind}}) == "1 records of banking.calendar/0 are not applied"
    del behind["offsets"]["banking.calendar"]
    assert "banking.calendar/0" in left(owned={"accounts": {"0": shard(5), "1": behind}})
