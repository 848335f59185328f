"""Where a bucket begins, in every scheme."""

import pytest

from services.reporting.domain.bucket import days_from


@pytest.mark.parametrize(
    ("bucket", "first"),
    [("current", 0), ("1-29", 1), ("30-59", 30), ("180+", 180), ("M0", 0), ("M2", 31), ("M7", 181), ("watch", 17)],
)
def test_first_day_past_due(bucket: str, first: int) -> None:
    assert days_from(bucket, 17) == first
