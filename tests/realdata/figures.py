"""What the reference counts, over accounts however they were assessed: by the function, or by the service."""

from collections import Counter
from collections.abc import Iterable
from typing import Any, NamedTuple

BUCKETS = [("1-30", 30), ("31-60", 60), ("61-90", 90), ("91-180", 180), ("181-365", 365)]


class Standing(NamedTuple):
    """One account on one day, in minor units. `open_minor`: owed and not repaid, due or not; negative if overpaid."""

    open_minor: int
    arrears_minor: int
    bucket: str
    placed: bool


def bucket_of(days: int) -> str:
    """The reference's own ranges."""
    if not days:
        return "current"
    return next((name for name, last in BUCKETS if days <= last), ">365")


def fines_as_of(standings: Iterable[Standing]) -> dict[str, Any]:
    """The figures of one date in the reference's own words; amounts in euro."""
    everything = list(standings)
    still_open = [s.open_minor for s in everything if s.open_minor > 0]
    past_due = [s for s in everything if s.arrears_minor > 0]
    return {
        "open_n": len(still_open),
        "open_amt": euro(sum(still_open)),
        "past_due_n": len(past_due),
        "past_due_amt": euro(sum(s.arrears_minor for s in past_due)),
        "dpd_buckets": dict(Counter(s.bucket for s in past_due)),
        "already_placed_of_past_due": sum(s.placed for s in past_due),
    }


def euro(minor: int) -> float:
    """As the reference writes it: cents after the point, read back exactly by rounding to them."""
    return round(minor / 100, 2)


def outcomes(found: Iterable[tuple[str, int]]) -> dict[str, int]:
    """Cards by what became of a statement, and the balance that was missed; pairs of outcome and arrears."""
    kinds = Counter[str]()
    missed_minor = 0
    for kind, arrears_minor in found:
        kinds[kind] += 1
        missed_minor += arrears_minor if kind == "missed" else 0
    return {**kinds, "missed_bal": missed_minor // 100}
