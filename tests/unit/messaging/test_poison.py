"""When a shard has refused too much: a run, a share, whatever way the records were cut into batches."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.messaging.poison import REFUSED, RUN, SEEN, Limits, Tripped, counted

LIMITS = Limits(run_max=3, share_max=0.5, window_records=100)


def _fed(*batches: list[bool], limits: Limits = LIMITS) -> list[Tripped | None]:
    counters: dict[str, int] = {}
    return [counted(counters, len(batch), batch if any(batch) else [], limits) for batch in batches]


def test_a_run_may_be_as_long_as_the_limit_and_no_longer() -> None:
    assert _fed([True] * 3, [False], [True] * 3) == [None] * 3
    (tripped,) = _fed([False, True, True, True, True, False])
    assert tripped is not None
    assert (tripped.reason, tripped.detail) == ("rejected_run", "4 records in a row were refused; the limit is 3")


def test_a_run_goes_on_over_batches_and_ends_with_a_good_record() -> None:
    assert [t is not None for t in _fed([True, True], [], [True, True])] == [False, False, True]
    assert _fed([True, True], [False], [True, True]) == [None] * 3


def test_a_share_is_judged_over_a_full_window_only() -> None:
    bad_share = [True, True, False] * 30
    assert _fed(bad_share) == [None]
    first, second = _fed(bad_share, [False] + [True, False] * 5)
    assert first is None
    assert second is not None
    assert second.reason == "rejected_share"
    assert _fed([True, False] * 100) == [None]


def test_old_records_weigh_less_with_each_window() -> None:
    counters: dict[str, int] = {}
    counted(counters, 100, [True, False] * 50, LIMITS)
    assert (counters[SEEN], counters[REFUSED], counters[RUN]) == (50, 25, 0)


@given(st.lists(st.booleans(), max_size=60), st.integers(1, 20))
def test_the_run_does_not_depend_on_how_the_records_are_cut(records: list[bool], size: int) -> None:
    whole = _fed(records)
    cut = _fed(*([records[at : at + size] for at in range(0, len(records), size)] or [[]]))
    assert any(whole) == any(cut)


@pytest.mark.parametrize("records", [1, 4000])
def test_a_batch_without_refusals_needs_no_look_at_its_records(records: int) -> None:
    counters = {RUN: 3}
    assert counted(counters, records, [], LIMITS) is None
    assert counters[RUN] == 0
