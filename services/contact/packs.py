"""Reads rule packs from YAML into the gate's rules. What the gate cannot do may not be asked for: Misconfigured."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, time
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from services.contact.domain.hours import Hours, Span
from services.contact.domain.rules import BalanceOwed, Expiry, HasEndpoint, NoHold, NoOpenPromise, OptOut, Rule
from services.contact.domain.timing import Frequency, Window
from services.contact.domain.zones import RegionZones, zone_named
from shared.vocabulary.errors import Misconfigured

SHIPPED: Final = Path(__file__).parent / "rules" / "default.yaml"
_WEEKDAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
ChannelName = Literal["call", "sms", "email", "letter"]
Calendars = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class RuleBook:
    """All rules in force, the zones of regions, and what the archive calls this set."""

    rules: tuple[Rule, ...]
    regions: RegionZones
    pack: str
    pack_hash: str


class _Data(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class _RuleData(_Data):
    """What every rule says of itself."""

    id: str
    cite: str = ""
    note: str = ""
    basis: Literal["law", "presumption", "guidance", "policy"]
    verified: Literal["primary", "secondary", "general"] = "general"


class _Expiry(_RuleData):
    kind: Literal["expiry"]

    def rule(self, calendars: Calendars) -> Rule:
        return Expiry(self.id)


class _Balance(_RuleData):
    kind: Literal["balance"]

    def rule(self, calendars: Calendars) -> Rule:
        return BalanceOwed(self.id)


class _Endpoint(_RuleData):
    kind: Literal["endpoint"]

    def rule(self, calendars: Calendars) -> Rule:
        return HasEndpoint(self.id)


class _OptOut(_RuleData):
    kind: Literal["optout"]
    scope: tuple[Literal["channel"], Literal["endpoint"]] = ("channel", "endpoint")
    allow_purposes: frozenset[str] = frozenset()
    consent_required: bool = False

    def rule(self, calendars: Calendars) -> Rule:
        return OptOut(self.id, self.allow_purposes, self.consent_required)


class _Stop(_RuleData):
    kind: Literal["stop"]
    state: Literal["hold", "promise_open"]
    allow_purposes: frozenset[str] = frozenset()

    def rule(self, calendars: Calendars) -> Rule:
        return (NoHold if self.state == "hold" else NoOpenPromise)(self.id, self.allow_purposes)


class _Window(_RuleData):
    kind: Literal["window"]
    channels: frozenset[ChannelName]
    days: dict[str, str | None]
    calendar: str | None = None

    def rule(self, calendars: Calendars) -> Rule:
        if self.calendar is not None and self.calendar not in calendars:
            raise ValueError(f"{self.id}: no calendar {self.calendar!r}")
        listed = calendars[self.calendar] if self.calendar else ()
        once = frozenset(date.fromisoformat(day) for day in listed if len(day) == len("2026-01-01"))
        # 2000 is a leap year: 02-29 is a day one may list.
        yearly = [date.fromisoformat(f"2000-{day}") for day in listed if len(day) == len("01-01")]
        hours = Hours(
            _week(self.days), once, frozenset((d.month, d.day) for d in yearly), _span(self.days.get("holiday"))
        )
        return Window(self.id, frozenset(self.channels), hours)


class _Period(_Data):
    days: Annotated[int, Field(ge=1, le=31)]
    mode: Literal["rolling_local_days", "calendar_local"]

    @model_validator(mode="after")
    def _calendar_is_one_day(self) -> Self:
        if self.mode == "calendar_local" and self.days != 1:
            raise ValueError("calendar_local is one day")
        return self


_NOT_COUNTED: Final = {"any_attempt": frozenset[str](), "call_placed": frozenset({"busy"})}


class _Frequency(_RuleData):
    kind: Literal["frequency"]
    channels: frozenset[ChannelName]
    limit: Annotated[int, Field(ge=1, le=1000)]
    period: _Period
    count: Literal["any_attempt", "call_placed"]
    key: tuple[Literal["institution", "collector", "person"], ...]
    exclude: frozenset[Literal["busy"]] = frozenset()

    def rule(self, calendars: Calendars) -> Rule:
        excluded = _NOT_COUNTED[self.count] | self.exclude
        return Frequency(self.id, frozenset(self.channels), self.limit, self.period.days, frozenset(excluded))


class _Location(_Data):
    combine: Literal["all_zones"]
    unknown: Literal["block"]


class _Edges(_Data):
    start: Literal["inclusive"]
    end: Literal["exclusive"]


class _Defaults(_Data):
    location: _Location
    edges: _Edges
    evaluate: tuple[Literal["enqueue"], Literal["dispatch"]]
    on_error: Literal["block"]


AnyRule = Annotated[
    _Expiry | _Balance | _Endpoint | _OptOut | _Stop | _Window | _Frequency, Field(discriminator="kind")
]


class _Pack(_Data):
    id: str
    version: int
    status: Literal["draft", "approved"]
    rules: Annotated[tuple[AnyRule, ...], Field(min_length=1)]


class _File(_Data):
    schema_: Literal["contact-compliance/0.1"] = Field(alias="schema")
    defaults: _Defaults
    packs: Annotated[tuple[_Pack, ...], Field(min_length=1)]
    calendars: dict[str, tuple[str, ...]] = {}
    regions: dict[str, tuple[str, ...]] = {}


def read_rules(path: Path) -> RuleBook:
    """The rule book of a file; Misconfigured says what is wrong with it."""
    try:
        text = path.read_bytes()
        read = _File.model_validate(yaml.safe_load(text))
        rules = tuple(rule.rule(read.calendars) for pack in read.packs for rule in pack.rules)
    except (OSError, yaml.YAMLError, ValidationError, ValueError) as error:
        raise Misconfigured(f"ARREARS_RULES_FILE: {path.name} is not a rule pack: {_first_line(error)}") from None
    unknown = sorted({name for names in read.regions.values() for name in names if zone_named(name) is None})
    if unknown:
        raise Misconfigured(f"ARREARS_RULES_FILE: unknown time zones {unknown}")
    pack = "+".join(f"{pack.id}@{pack.version}" for pack in read.packs)
    return RuleBook(rules, read.regions, pack, hashlib.sha256(text).hexdigest())


def _first_line(error: Exception) -> str:
    if isinstance(error, ValidationError):
        first: Any = error.errors(include_url=False)[0]
        return f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
    return str(error).splitlines()[0]


def _week(days: Mapping[str, str | None]) -> dict[int, Span | None]:
    """Hours by weekday (Monday is 0) from keys such as all, mon-fri, sun; a day nobody names is closed."""
    week: dict[int, Span | None] = {}
    for key, text in days.items():
        if key != "holiday":
            week |= dict.fromkeys(_weekdays(key), _span(text))
    return week


def _weekdays(key: str) -> range:
    if key == "all":
        return range(7)
    first, _, last = key.partition("-")
    if first not in _WEEKDAYS or (last or first) not in _WEEKDAYS:
        raise ValueError(f"{key!r} names no weekdays")
    return range(_WEEKDAYS.index(first), _WEEKDAYS.index(last or first) + 1)


def _span(text: str | None) -> Span | None:
    if text is None:
        return None
    start, _, end = text.partition("-")
    closes = None if end == "24:00" else time.fromisoformat(end)
    span = Span(time.fromisoformat(start), closes)
    if closes is not None and closes <= span.start:
        raise ValueError(f"{text!r} ends before it starts")
    return span
