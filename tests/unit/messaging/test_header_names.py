"""Batches with header names that are not UTF-8 are read whole, bad bytes kept; other batches as aiokafka reads them."""

from collections.abc import Sequence
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import CorruptRecordException
from aiokafka.record.memory_records import MemoryRecords

from shared.contracts.envelope import decode
from shared.messaging.header_names import KEPT, FetchedRecords, PartitionRecords
from shared.vocabulary.errors import Rejected
from tests.unit.contracts.events import BILLING, bill
from tests.wire import Wire, batch

ONE: list[Wire] = [(b"k", b"one", [(b"a", b"1"), (b"b", None)]), (b"k", b"two", [])]
BAD_ONE: list[Wire] = [(b"k", b"three", []), (None, b"four", [(b"\xff\x00x", b"\xfe"), (b"c", b"2")])]
GOOD, BAD = batch(ONE), batch(BAD_ONE, 2)


READ_COMMITTED = 1


def _read(fetched: bytes, aborted: Sequence[tuple[int, int]] = (), begin: int = 0) -> Any:
    place = TopicPartition("t", 0)
    return PartitionRecords(place, FetchedRecords(fetched), aborted, begin, None, None, True, READ_COMMITTED)


def _shown(records: Any) -> list[tuple[int, bytes, tuple[tuple[str, bytes | None], ...]]]:
    return [(record.offset, record.value, record.headers) for record in records]


def test_a_fetch_with_a_name_that_is_not_utf_8_is_read_whole_and_once() -> None:
    good = [(0, b"one", (("a", b"1"), ("b", None))), (1, b"two", ())]
    bad = [(2, b"three", ()), (3, b"four", (("\udcff\x00x", b"\xfe"), ("c", b"2")))]
    later = [(4, b"one", (("a", b"1"), ("b", None))), (5, b"two", ())]
    records = _read(GOOD + BAD + batch(ONE, 4))
    assert _shown(records) == good + bad + later
    assert records.next_fetch_offset == 6
    assert bad[1][2][0][0].encode("utf-8", KEPT) == b"\xff\x00x"
    assert _shown(_read(BAD, begin=3)) == bad[1:]


def test_what_a_publisher_aborted_stays_out_when_a_fetch_is_read_anew() -> None:
    aborted = batch(ONE, 0, producer=7) + batch([(None, b"kept", [])], 2) + batch(BAD_ONE, 3)
    shown = _shown(_read(aborted, [(7, 0)]))
    assert [value for _, value, _ in shown] == [b"kept", b"three", b"four"]


def test_aiokafka_alone_still_cannot_read_it() -> None:
    with pytest.raises(UnicodeDecodeError):
        list(MemoryRecords(BAD).next_batch())


def test_a_fetch_that_ends_inside_a_batch_and_corrupt_records_are_seen_as_before() -> None:
    assert [offset for offset, _, _ in _shown(_read(GOOD + BAD[:-5]))] == [0, 1]
    with pytest.raises(CorruptRecordException):
        list(_read(BAD[:-4] + b"\x7f" * 4))


@pytest.mark.parametrize("headers", [[("\udcff", b"1")], [("ce_id", b"\xff")], [("ce_id", b"x"), ("\udcff", b"1")]])
def test_such_a_record_is_refused_by_name(headers: list[tuple[str, bytes | None]]) -> None:
    with pytest.raises(Rejected) as caught:
        decode(BILLING, bill(), headers)
    assert caught.value.reason == "malformed_header"


def test_any_utf_8_is_a_name() -> None:
    assert decode(BILLING, bill(), [("naïve-名", b"\xff")]).id
