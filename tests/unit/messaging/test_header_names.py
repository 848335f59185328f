"""Batches with header names that are not UTF-8 are read whole, bad bytes kept; other batches as aiokafka reads them."""

import pytest
from aiokafka.errors import CorruptRecordException
from aiokafka.record.memory_records import MemoryRecords

from shared.contracts.envelope import decode
from shared.messaging.header_names import KEPT, TolerantRecords
from shared.vocabulary.errors import Rejected
from tests.unit.contracts.events import BILLING, bill
from tests.wire import batch

GOOD = batch([(b"k", b"one", [(b"a", b"1"), (b"b", None)]), (b"k", b"two", [])])
BAD = batch([(b"k", b"three", []), (None, b"four", [(b"\xff\x00x", b"\xfe"), (b"c", b"2")])])


def test_a_batch_with_a_name_that_is_not_utf_8_is_read_whole() -> None:
    records = TolerantRecords(GOOD + BAD + GOOD)
    read = []
    while records.has_next():
        found = records.next_batch()
        assert found.validate_crc()
        read += [(record.value, record.headers) for record in found]
    good = [(b"one", [("a", b"1"), ("b", None)]), (b"two", [])]
    assert read == [*good, (b"three", []), (b"four", [("\udcff\x00x", b"\xfe"), ("c", b"2")]), *good]
    assert read[3][1][0][0].encode("utf-8", KEPT) == b"\xff\x00x"


def test_aiokafka_alone_still_cannot_read_it() -> None:
    with pytest.raises(UnicodeDecodeError):
        list(MemoryRecords(BAD).next_batch())


def test_a_fetch_that_ends_inside_a_batch_and_corrupt_records_are_seen_as_before() -> None:
    records = TolerantRecords(GOOD + BAD[:-5])
    assert len(list(records.next_batch())) == 2
    assert not records.has_next()
    corrupt = TolerantRecords(BAD[:-4] + b"\x7f" * 4)
    with pytest.raises(CorruptRecordException):
        list(corrupt.next_batch())


@pytest.mark.parametrize("headers", [[("\udcff", b"1")], [("ce_id", b"\xff")], [("ce_id", b"x"), ("\udcff", b"1")]])
def test_such_a_record_is_refused_by_name(headers: list[tuple[str, bytes | None]]) -> None:
    with pytest.raises(Rejected) as caught:
        decode(BILLING, bill(), headers)
    assert caught.value.reason == "malformed_header"


def test_any_utf_8_is_a_name() -> None:
    assert decode(BILLING, bill(), [("naïve-名", b"\xff")]).id
