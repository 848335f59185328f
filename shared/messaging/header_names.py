"""Reads records whose header names are not UTF-8, which the broker takes from anybody and aiokafka cannot read.

aiokafka 0.14 decodes header names strictly: one such record, and `getmany` fails on its partition for ever. Here a
batch that it cannot read is read again with the bad bytes kept as lone surrogates, so the record becomes a dead
letter like any other. A batch that reads well costs what it did before.
"""

import struct
from collections.abc import Iterator
from typing import Any, Final

from aiokafka.consumer import fetcher
from aiokafka.errors import CorruptRecordException
from aiokafka.record.default_records import DefaultRecordBatch, _DefaultRecordBatchPy
from aiokafka.record.memory_records import MemoryRecords

KEPT: Final = "surrogateescape"
"""Encoding a name with this error handler gives back the very bytes that came."""
_OFFSET_AND_LENGTH: Final = struct.Struct(">qi")


def install() -> None:
    """Have this process's consumers read that way; the fetcher offers no other place to say so."""
    fetcher.MemoryRecords = TolerantRecords


class TolerantRecords:
    """One fetched partition's batches, as the fetcher goes through them."""

    def __init__(self, fetched: bytes) -> None:
        self._fetched = fetched
        self._records = MemoryRecords(fetched)
        self._at = 0
        self.has_next = self._records.has_next
        self.size_in_bytes = self._records.size_in_bytes

    def next_batch(self) -> Any:
        """The next batch; those of the old formats have no headers."""
        begin = self._at
        self._at = begin + _OFFSET_AND_LENGTH.size + _OFFSET_AND_LENGTH.unpack_from(self._fetched, begin)[1]
        batch = self._records.next_batch()
        if not isinstance(batch, DefaultRecordBatch):
            return batch
        return _Batch(batch, memoryview(self._fetched)[begin : self._at])


class _Batch:
    """aiokafka's own batch, and another way to read it."""

    def __init__(self, batch: Any, raw: memoryview) -> None:
        self._batch = batch
        self._raw = raw

    def __getattr__(self, name: str) -> Any:
        return getattr(self._batch, name)

    def __next__(self) -> Any:
        return next(self._batch)

    def __iter__(self) -> Iterator[Any]:
        try:
            return iter(list(self._batch))
        except (UnicodeDecodeError, CorruptRecordException):
            # Truly corrupt records fail here again, as they should.
            return iter(_TolerantBatch(self._raw))


class _TolerantBatch(_DefaultRecordBatchPy):  # type: ignore[misc]  # final for type checkers only
    """aiokafka's plain Python reader over bytes that decode to text whatever they are."""

    def __iter__(self) -> Any:
        super().__iter__()
        self._buffer: bytearray = _Bytes(self._buffer)
        return self


class _Bytes(bytearray):
    def __getitem__(self, index: Any) -> Any:
        found = super().__getitem__(index)
        return _Bytes(found) if isinstance(index, slice) else found

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        return bytes(self).decode(encoding, KEPT)
