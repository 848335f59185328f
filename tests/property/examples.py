"""How many examples a property gets: a share in each run of the tests, many times that in a soak."""

import os
from typing import Final

TIMES: Final = float(os.environ.get("ARREARS_TEST_EXAMPLES_TIMES", "1"))


def examples(share: int) -> int:
    """So many in a run of the tests."""
    return max(1, round(share * TIMES))
