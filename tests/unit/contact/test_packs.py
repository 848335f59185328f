"""Rule packs: what the shipped one says, and that nothing the gate cannot do is taken silently."""

from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from services.contact import packs
from services.contact.domain.timing import Frequency, Window
from shared.vocabulary.errors import Misconfigured

BERLIN = ZoneInfo("Europe/Berlin")


def test_the_shipped_pack_asks_everything_the_gate_must_know() -> None:
    book = packs.read_rules(packs.SHIPPED)
    kinds = [type(rule).__name__ for rule in book.rules]
    assert kinds == [
        "Expiry", "HasEndpoint", "OptOut", "NoHold", "NoOpenPromise", "BalanceOwed", "Window", "Frequency", "Frequency",
    ]  # fmt: skip
    assert book.pack == "default@1"
    assert "status: draft" in packs.SHIPPED.read_text()


def test_the_shipped_hours() -> None:
    [window] = [rule for rule in packs.read_rules(packs.SHIPPED).rules if isinstance(rule, Window)]
    assert window.channels == {"call", "sms", "email"}
    for instant, lawful in [
        (datetime(2026, 3, 10, 8, tzinfo=BERLIN), True),
        (datetime(2026, 3, 10, 20, tzinfo=BERLIN), False),
        (datetime(2026, 3, 14, 8, 59, tzinfo=BERLIN), False),
        (datetime(2026, 3, 14, 9, tzinfo=BERLIN), True),
        (datetime(2026, 3, 15, 12, tzinfo=BERLIN), False),
        (datetime(2026, 12, 25, 12, tzinfo=BERLIN), False),
    ]:
        assert window.hours.open_at(instant.astimezone(UTC), BERLIN) is lawful, instant


def changed(tmp_path: Path, old: str, new: str) -> Path:
    text = packs.SHIPPED.read_text()
    assert old in text
    path = tmp_path / "rules.yaml"
    path.write_text(text.replace(old, new))
    return path


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("combine: all_zones", "combine: any_zone"),
        ("unknown: block", "unknown: allow"),
        ("end: exclusive", "end: inclusive"),
        ("on_error: block", "on_error: warn"),
        ("kind: expiry", "kind: moonphase"),
        ("kind: balance, basis: policy", "kind: balance, basis: policy, lenient: true"),
        ("channels: [sms, email], limit: 1", "channels: [pigeon], limit: 1"),
        ("limit: 1,", "limit: 0,"),
        ("{days: 1, mode: calendar_local}", "{days: 2, mode: calendar_local}"),
        ("{days: 7, mode: rolling_local_days}", "{days: 32, mode: rolling_local_days}"),
        ("count: any_attempt", "count: full_moons"),
        ('mon-fri: "08:00-20:00"', 'mon-fri: "20:00-08:00"'),
        ('mon-fri: "08:00-20:00"', 'mon-fry: "08:00-20:00"'),
        ('mon-fri: "08:00-20:00"', 'mon-fri: "8-20"'),
        ("calendar: default}", "calendar: nowhere}"),
        ("Europe/Berlin", "Europe/Atlantis"),
        ("schema: contact-compliance/0.1", "schema: contact-compliance/9"),
        ("packs:", "packs: ["),
    ],
)
def test_what_the_gate_cannot_do_may_not_be_asked_for(tmp_path: Path, old: str, new: str) -> None:
    with pytest.raises(Misconfigured, match="ARREARS_RULES_FILE"):
        packs.read_rules(changed(tmp_path, old, new))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match=r"nothing\.yaml"):
        packs.read_rules(tmp_path / "nothing.yaml")


def test_hours_until_midnight_and_holidays_by_date(tmp_path: Path) -> None:
    path = changed(tmp_path, 'mon-fri: "08:00-20:00"', 'mon-fri: "08:00-24:00"')
    path.write_text(path.read_text().replace('["01-01", "12-25"]', '["02-29", "2026-03-10"]'))
    [window] = [rule for rule in packs.read_rules(path).rules if isinstance(rule, Window)]
    assert window.hours.open_at(datetime(2026, 3, 11, 23, 59, tzinfo=BERLIN), BERLIN)
    assert not window.hours.open_at(datetime(2026, 3, 10, 12, tzinfo=BERLIN), BERLIN)
    assert not window.hours.open_at(datetime(2028, 2, 29, 12, tzinfo=BERLIN), BERLIN)


def test_busy_calls_do_not_count_as_placed() -> None:
    weekly = [rule for rule in packs.read_rules(packs.SHIPPED).rules if isinstance(rule, Frequency)][1]
    assert weekly.exclude == {"busy"}


def test_the_hash_is_of_the_file_s_bytes(tmp_path: Path) -> None:
    other = packs.read_rules(changed(tmp_path, "limit: 3", "limit: 2"))
    assert other.pack_hash != packs.read_rules(packs.SHIPPED).pack_hash
