"""Whatever bytes arrive, the first doors answer with an event or a refusal: no other error, and nobody's name."""

import re
from collections.abc import Callable
from typing import Any

import orjson
from hypothesis import example, given
from hypothesis import strategies as st

from shared.contracts.banking import CustomerUpdated
from shared.contracts.envelope import decode
from shared.contracts.http_binding import BATCH, SINGLE, events_in
from shared.contracts.masking import masked
from shared.contracts.schemas import example_event
from shared.contracts.topics import TOPICS, Topic
from shared.messaging.stream import source_of
from shared.vocabulary.errors import Rejected

REASON = re.compile(r"[a-z][a-z_]+")
NAME = "Zaphod Beeblebrox"


def _valid(topic: Topic, which: int) -> bytes:
    event: dict[str, Any] = example_event(topic.contracts[which % len(topic.contracts)])
    if topic.contracts[which % len(topic.contracts)] is CustomerUpdated:
        event["data"] |= {"name": NAME, "address": NAME}
    return orjson.dumps(event)


def _judged(topic: str, value: bytes, headers: Any = ()) -> str:
    """The reason of the refusal; empty for an event."""
    refusal = _refusal(lambda: decode(topic, value, headers))
    if refusal is None:
        return ""
    assert REASON.fullmatch(refusal.reason)
    assert not {word for word in NAME.split() if word in refusal.detail}
    return refusal.reason


def _refusal(read: Callable[[], object]) -> Rejected | None:
    try:
        read()
    except Rejected as refusal:
        return refusal
    return None


topics = st.sampled_from(TOPICS)
header = st.tuples(
    st.one_of(
        st.sampled_from(["ce_id", "ce_type", "ce_time", "ce_source", "ce_specversion", "content-type", "arrears-seq",
                         "arrears-shard"]),
        st.text(st.characters(exclude_categories=()), max_size=8),
    ),
    st.one_of(st.none(), st.binary(max_size=30), st.just(b"arrears.billing.BillIssued.v1"), st.just(b"1.0")),
)  # fmt: skip
json_values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=10)),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=8), inner, max_size=4)),
    max_leaves=12,
)


@given(topics, st.binary(max_size=300))
@example(TOPICS[0], b"\xef\xbb\xbf{}")
def test_any_bytes(topic: Topic, value: bytes) -> None:
    assert _judged(topic.name, value)
    masked(value)


@given(topics, st.integers(0, 20), st.data())
def test_an_event_cut_off_anywhere_is_refused(topic: Topic, which: int, data: st.DataObject) -> None:
    value = _valid(topic, which)
    assert _judged(topic.name, value[: data.draw(st.integers(0, len(value) - 1))])


@given(
    topics, st.integers(0, 20), st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 7)), min_size=1, max_size=5)
)
def test_an_event_with_bits_turned(topic: Topic, which: int, flips: list[tuple[int, int]]) -> None:
    value = bytearray(_valid(topic, which))
    for place, bit in flips:
        value[place % len(value)] ^= 1 << bit
    _judged(topic.name, bytes(value))
    masked(bytes(value))


@given(
    topics, st.integers(0, 20), st.sampled_from(["id", "type", "time", "data", "specversion", "subject"]), json_values
)
def test_an_attribute_of_any_kind(topic: Topic, which: int, attribute: str, value: Any) -> None:
    event = orjson.loads(_valid(topic, which))
    try:
        wire = orjson.dumps(event | {attribute: value})
    except TypeError:
        return  # integers over 64 bits, lone surrogates: the bytes above have them
    _judged(topic.name, wire)


@given(topics, st.integers(0, 20), st.data(), json_values)
def test_a_field_of_any_kind(topic: Topic, which: int, data: st.DataObject, value: Any) -> None:
    event = orjson.loads(_valid(topic, which))
    field = data.draw(st.sampled_from(sorted(event["data"])))
    try:
        wire = orjson.dumps(event | {"data": event["data"] | {field: value}})
    except TypeError:
        return
    _judged(topic.name, wire)


@given(topics, st.binary(max_size=60), st.lists(header, max_size=8))
def test_any_headers(topic: Topic, value: bytes, headers: list[tuple[str, bytes | None]]) -> None:
    assert _judged(topic.name, value, headers)
    source, seq = source_of(headers)
    assert (source is None) == (seq == 0) or source is not None


@given(st.sampled_from([BATCH, SINGLE, "application/json", "", "\x00"]), st.binary(max_size=200), st.booleans())
def test_any_request(media: str, body: bytes, binary: bool) -> None:
    headers = {"content-type": media} | ({"ce-id": "%ff", "ce-type": "x"} if binary else {})
    found: list[bytes | Rejected] = []
    refusal = _refusal(lambda: found.extend(events_in(headers, body)))
    assert refusal is None or REASON.fullmatch(refusal.reason)
    assert all(_judged(TOPICS[0].name, value) for value in found if isinstance(value, bytes))
