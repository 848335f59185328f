"""Reads records whose header names are not UTF-8, which the broker takes from anybody and aiokafka cannot read.

aiokafka 0.14 decodes header names strictly: one such record, and `getmany` fails on its partition for ever. Here a
fetch that it cannot read is read again with the bad bytes kept as lone surrogates, so the record becomes a dead
letter like any other. Records that it can read cost what they did before.
"""

import struct
from typing import Any, Final

from aiokafka.consumer import fetcher
from aiokafka.record.default_records import DefaultRecordBatch, _DefaultRecordBatchPy
from aiokafka.record.memory_records import MemoryRecords

KEPT: Final = "surrogateescape"
"""Encoding a name with this error handler gives back the very bytes that came."""
_OFFSET_AND_LENGTH: Final = struct.Struct(">qi")


def install() -> None:
    """Have this process's consumers read that way; the fetcher offers no other place to say so."""
    fetcher.MemoryRecords = FetchedRecords
    fetcher.PartitionRecords = PartitionRecords


class FetchedRecords:
    """One partition's batches as aiokafka reads them, and the bytes they are read from."""

    def __init__(self, fetched: bytes) -> None:
        self.fetched = fetched
        self._records = MemoryRecords(fetched)
        self.has_next = self._records.has_next
        self.size_in_bytes = self._records.size_in_bytes
        self.next_batch = self._records.next_batch


class PartitionRecords(fetcher.PartitionRecords):  # type: ignore[misc]  # aiokafka ships no types
    """One partition's records; goes on in the tolerant way from a batch with a name that cannot be read."""

    _records: Any
    _records_iterator: Any

    def __next__(self) -> Any:
        try:
            return next(self._records_iterator)
        except StopIteration:
            self._records_iterator = None
            raise
        except UnicodeDecodeError:
            # Records of this batch that are out already are passed over by aiokafka itself.
            self._records = TolerantRecords(self._records.fetched, self.next_fetch_offset)
            self._records_iterator = self._unpack_records()
            return next(self)


class TolerantRecords:
    """The batches from an offset on, read by aiokafka's plain Python reader; old formats have no headers."""

    def __init__(self, fetched: bytes, begin: int) -> None:
        self.fetched = fetched
        self._at = 0
        self._records = MemoryRecords(fetched)
        self._ahead = self._next()
        while self._ahead is not None and self._ahead.next_offset <= begin:
            self._ahead = self._next()

    def next_batch(self) -> Any:
        """The next batch."""
        batch, self._ahead = self._ahead, self._next()
        return batch

    def has_next(self) -> bool:
        """Whether there is one."""
        return self._ahead is not None

    def _next(self) -> Any:
        if not self._records.has_next():
            return None
        begin = self._at
        self._at = begin + _OFFSET_AND_LENGTH.size + _OFFSET_AND_LENGTH.unpack_from(self.fetched, begin)[1]
        batch = self._records.next_batch()
        if not isinstance(batch, DefaultRecordBatch) or batch.is_control_batch:
            return batch
        return _TolerantBatch(memoryview(self.fetched)[begin : self._at])


class _TolerantBatch(_DefaultRecordBatchPy):  # type: ignore[misc]  # final for type checkers only
    """A batch over bytes that decode to text whatever they are."""

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
