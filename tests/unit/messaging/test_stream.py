"""Whose sequence a record travels with."""

import pytest

from shared.messaging.stream import SEQ_HEADER, SOURCE_HEADER, source_of


def test_our_own_headers_are_read() -> None:
    assert source_of([(SOURCE_HEADER, b"ingest.accounts.0"), (SEQ_HEADER, b"7"), ("x", b"y")]) == (
        "ingest.accounts.0",
        7,
    )


@pytest.mark.parametrize(
    ("source", "seq"),
    [
        (b"ingest.accounts.0", b"-1"),
        (b"ingest.accounts.0", b"9" * 30),
        (b"ingest.accounts.0", b""),
        (b"ingest.accounts", b"1"),
        (b"ingest.accounts.0\x00", b"1"),
        (b"\xff\xfe", b"1"),
        (b"x" * 5_000 + b".y.1", b"1"),
    ],
)
def test_anything_else_is_nobodys(source: bytes, seq: bytes) -> None:
    assert source_of([(SOURCE_HEADER, source), (SEQ_HEADER, seq)]) == (None, 0)
