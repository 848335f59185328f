"""How many examples a property gets: a share in each run of the tests, many times that in a soak."""

import os
from typing import Final

from hypothesis import HealthCheck, settings

TIMES: Final = float(os.environ.get("ARREARS_TEST_EXAMPLES_TIMES", "1"))
if TIMES > 1:
    # Whether examples are drawn quickly is for each run of the tests to say; a soak may share its machine.
    settings.register_profile("soak", suppress_health_check=[HealthCheck.too_slow])
    settings.load_profile("soak")


def examples(share: int) -> int:
    """So many in a run of the tests."""
    return max(1, round(share * TIMES))
