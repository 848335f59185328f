"""The first day past due of a bucket, from its name alone, so that 30+ means the same in every bucket scheme."""

import re
from functools import lru_cache
from typing import Final

_RANGE: Final = re.compile(r"([0-9]{1,5})(?:-[0-9]{1,5}|\+)")
_CHINA: Final = {"M0": 0, "M1": 1, "M2": 31, "M3": 61, "M4": 91, "M5": 121, "M6": 151, "M7": 181}


@lru_cache(maxsize=1024)
def days_from(bucket: str, days_past_due: int) -> int:
    """Lower bound of the bucket in days: "current" 0, "30-59" 30, "180+" 180, "M2" 31.

    A bucket of another scheme is placed by the days past due of the status that named it.
    """
    if bucket == "current":
        return 0
    if bucket in _CHINA:
        return _CHINA[bucket]
    named = _RANGE.fullmatch(bucket)
    return int(named[1]) if named else days_past_due
