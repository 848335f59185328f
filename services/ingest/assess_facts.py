"""The facts of a question, read one by one: what is wrong with one leaves the others as they are.

Apart from the question as a whole (`assess`). The rules are those of the banking topics: the same contracts, the same
reasons, the first of two facts of one key stands.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from json import dumps
from typing import Annotated, Any, Final, NamedTuple

from pydantic import Field, TypeAdapter, ValidationError

from services.ingest import translate
from services.ingest.domain.facts import Fact, Opened
from shared.contracts.fields import Contract, Id, Instant
from shared.contracts.refusals import refusal
from shared.contracts.topics import BY_NAME, Topic
from shared.vocabulary.errors import Rejected

TOPICS: Final = ("banking.accounts", "banking.billing", "banking.repayments")
ACCOUNT: Final = "account"
"""What the one account of a question is called when its facts do not say."""


class Kind(NamedTuple):
    """One type of fact."""

    topic: Topic
    contract: type[Contract]


@dataclass(frozen=True, order=True)
class Refused:
    """A fact that was left out, by its place in the question."""

    index: int
    reason: str
    detail: str


@dataclass
class Given:
    """The facts that could be read, in their order, each with the instant it was recorded."""

    facts: list[tuple[Fact, datetime | None]] = field(default_factory=list)
    opened: Opened | None = None
    currency: str = ""


class _Written(Contract):
    """A fact around its data."""

    type: Annotated[str, Field(max_length=200)]
    recorded_at: Instant | None = None
    data: dict[str, Any]


@dataclass(frozen=True)
class _Read:
    index: int
    fact: Fact
    account_id: str
    currency: str | None
    recorded_at: datetime | None


_WRITTEN: Final = TypeAdapter(_Written)
_ID: Final = TypeAdapter(Id)


def read(written: Sequence[Any]) -> tuple[Given, list[Refused]]:
    """The facts that hold, and what was refused, by index."""
    account_id = _account_of(written)
    facts: list[_Read] = []
    refused: list[Refused] = []
    for index, one in enumerate(written):
        try:
            facts.append(_fact(index, one, account_id))
        except Rejected as rejection:
            refused.append(Refused(index, rejection.reason, rejection.detail))
    known = _gathered(facts, refused)
    return known, sorted(refused)


@cache
def _kinds() -> dict[str, Kind]:
    """Types of facts, under their short names and under those they bear on the wire."""
    kinds: dict[str, Kind] = {}
    for topic in (BY_NAME[name] for name in TOPICS):
        for name, contract in topic.types.items():
            kinds[name] = kinds[contract.__name__] = Kind(topic, contract)
    return kinds


@cache
def _adapter(contract: type[Contract]) -> TypeAdapter[Any]:
    return TypeAdapter(contract)


def _account_of(written: Sequence[Any]) -> str:
    """The account of the first fact that names one."""
    for one in written:
        data = one.get("data") if isinstance(one, dict) else None
        named = data.get("account_id") if isinstance(data, dict) else None
        if isinstance(named, str) and named:
            return named
    return ACCOUNT


def _fact(index: int, one: Any, account_id: str) -> _Read:
    around = _validated(_WRITTEN, one, BY_NAME[TOPICS[0]], None)
    kind = _kinds().get(around.type)
    if kind is None:
        names = sorted(name for name in _kinds() if "." not in name)
        raise Rejected("unknown_type", f"type: expected one of {', '.join(names)}")
    data = _validated(_adapter(kind.contract), {"account_id": account_id, **around.data}, kind.topic, "data")
    if data.account_id != account_id:
        raise Rejected("wrong_account", "data.account_id: the facts of a question are of one account")
    return _Read(index, translate.fact(data), data.account_id, translate.currency(data), around.recorded_at)


def _validated(adapter: TypeAdapter[Any], value: Any, topic: Topic, within: str | None) -> Any:
    """The value as its contract reads it. Through JSON: contracts take dates and amounts as they are written."""
    if not isinstance(value, dict):
        raise Rejected("not_an_object", "a fact is an object with type, data and, if known, recorded_at")
    try:
        return adapter.validate_json(dumps(value))
    except ValidationError as error:
        wrong = refusal(error, topic, within=within)
        if wrong.reason == "not_cloudevents":
            first = error.errors(include_url=False, include_context=False)[0]
            raise Rejected("missing_field", f"{'.'.join(map(str, first['loc']))}: is missing or malformed") from None
        raise wrong from None


def _gathered(facts: Sequence[_Read], refused: list[Refused]) -> Given:
    """One account in one currency, no fact twice. `refused` gets what contradicts what stands."""
    opened = next((one for one in facts if isinstance(one.fact, Opened)), None)
    currency = opened.currency if opened else next((one.currency for one in facts if one.currency), None)
    known = Given(opened=opened.fact if opened and isinstance(opened.fact, Opened) else None, currency=currency or "")
    first: dict[tuple[str, str], Fact] = {}
    for one in facts:
        stands = first.get((one.fact.kind, one.fact.key))
        if one.currency and one.currency != currency and not isinstance(one.fact, Opened):
            said = f"the account is in {currency}, the fact in {one.currency}"
            refused.append(Refused(one.index, "wrong_currency", said))
        elif stands is None:
            first[one.fact.kind, one.fact.key] = one.fact
            known.facts.append((one.fact, one.recorded_at))
        elif stands != one.fact:
            said = f"{one.fact.kind} {one.fact.key[:80]!r} is known with other content; the first stands"
            refused.append(Refused(one.index, "conflicting_duplicate", said))
    return known
