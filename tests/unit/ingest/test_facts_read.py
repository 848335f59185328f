"""Facts read back from what is stored of them."""

from dataclasses import FrozenInstanceError
from datetime import date

import pytest

from services.ingest.domain import facts as f

OPENED = f.Opened("c", "loan", "EUR", "instalment", ("ifrs9",), date(2026, 1, 2), None, 500)


def test_a_fact_stored_before_its_kind_had_more_fields_reads_with_their_defaults() -> None:
    stored = f.pack(OPENED)[:-2]
    assert f.unpack("opened", stored) == f.Opened("c", "loan", "EUR", "instalment", ("ifrs9",), date(2026, 1, 2))


def test_a_fact_that_was_read_cannot_be_changed_either() -> None:
    read = f.unpack("opened", f.pack(OPENED))
    assert hash(read) == hash(OPENED)
    with pytest.raises(FrozenInstanceError):
        read.currency = "USD"  # type: ignore[union-attr,misc]
