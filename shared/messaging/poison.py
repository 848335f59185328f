"""When a shard refuses too much: a bad release of core banking, or of ours, must not drain a topic into dead letters.

Two limits, counted in the shard's own counters, so that they move with its row and outlive the process. A stop costs
nothing but time: the records stay in Kafka. It comes at the end of the batch that goes over a limit, so at most
one batch more than the limit is refused.
"""

from collections.abc import MutableMapping, Sequence
from typing import Final, NamedTuple

RUN: Final = "rejected_run"
SEEN: Final = "window_records"
REFUSED: Final = "window_rejected"
COUNTERS: Final = (RUN, SEEN, REFUSED)


class Limits(NamedTuple):
    """`run_max` refused records one after another; `share_max` of about the last `window_records`."""

    run_max: int
    share_max: float
    window_records: int


class Tripped(NamedTuple):
    """The limit that was passed, and the figures."""

    reason: str
    detail: str


def counted(
    counters: MutableMapping[str, int], records: int, refused: Sequence[bool], limits: Limits
) -> Tripped | None:
    """Count one batch; the limit it went over, if any. `refused` is empty, or tells of each record in order."""
    longest = _longest_run(counters, records, refused)
    seen = counters.get(SEEN, 0) + records
    bad = counters.get(REFUSED, 0) + sum(refused)
    # Older records count less with every window: both figures are halved, the share stays.
    full = seen >= limits.window_records
    counters[SEEN], counters[REFUSED] = (seen // 2, bad // 2) if full else (seen, bad)
    if longest > limits.run_max:
        return Tripped("rejected_run", f"{longest} records in a row were refused; the limit is {limits.run_max}")
    if full and bad > limits.share_max * seen:
        return Tripped("rejected_share", f"{bad} of {seen} records were refused; the limit is {limits.share_max:.0%}")
    return None


def _longest_run(counters: MutableMapping[str, int], records: int, refused: Sequence[bool]) -> int:
    run = longest = counters.get(RUN, 0)
    if not refused:
        counters[RUN] = 0 if records else run
        return 0
    for one in refused:
        run = run + 1 if one else 0
        longest = max(longest, run)
    counters[RUN] = run
    return longest
